import type { RunningExecution, RunningExecutions } from '../../engine';

/** {@link RunningExecutions} in memory. */
export class InMemoryRunningExecutions implements RunningExecutions {
  private readonly groups = new Map<string, Map<string, RunningExecution>>();

  /** The ids of all counted executions. */
  public get all(): readonly string[] {
    return [...this.groups.values()].flatMap((group) => [...group.keys()]);
  }

  public async read(groups: readonly string[]): Promise<readonly (readonly RunningExecution[])[]> {
    return groups.map((group) => [...(this.groups.get(group)?.values() ?? [])]);
  }

  public async enter(group: string, capacity: number, execution: RunningExecution): Promise<boolean> {
    const counted = this.groups.get(group) ?? new Map<string, RunningExecution>();
    const known = counted.get(execution.executionId);
    if (!known && counted.size >= capacity) return false;
    if (!known || known.fence <= execution.fence) counted.set(execution.executionId, execution);
    this.groups.set(group, counted);
    return true;
  }

  public async leave(group: string, executionId: string, fence: number, expires: number = Infinity): Promise<boolean> {
    const known = this.groups.get(group)?.get(executionId);
    if (known && known.fence < fence && known.expires <= expires) this.groups.get(group)?.delete(executionId);
    return known !== undefined;
  }
}
