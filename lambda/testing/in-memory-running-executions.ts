import type { RunningExecution, RunningExecutions } from '../engine';

/** {@link RunningExecutions} in memory. */
export class InMemoryRunningExecutions implements RunningExecutions {
  private readonly groups = new Map<string, Map<string, RunningExecution>>();

  /** The names of all that are counted. */
  public get all(): readonly string[] {
    return [...this.groups.values()].flatMap((group) => [...group.keys()]);
  }

  public async enter(group: string, capacity: number, execution: RunningExecution): Promise<readonly RunningExecution[] | undefined> {
    const counted = this.groups.get(group) ?? new Map<string, RunningExecution>();
    const known = counted.get(execution.executionId);
    if (!known && counted.size >= capacity) return [...counted.values()];
    if (!known || known.fence <= execution.fence) counted.set(execution.executionId, execution);
    this.groups.set(group, counted);
    return undefined;
  }

  public async leave(group: string, executionId: string, fence: number, expires: number = Infinity): Promise<void> {
    const known = this.groups.get(group)?.get(executionId);
    if (known && known.fence < fence && known.expires <= expires) this.groups.get(group)?.delete(executionId);
  }
}
