import type { CacheConnection } from './connection';
import { ENTER, LEAVE, READ } from './running-executions-scripts';
import { LOCK_KEY_PREFIX } from '../../contract/caches';
import type { WorkflowCache } from '../../contract/configuration';
import { partitionOf } from '../../contract/tables';
import type { RunningExecution, RunningExecutions } from '../../engine/ports';

/**
 * The concurrent executions, in the cache of the locks: one hash for each group with a field for each execution. The key contains spaces, so
 * it is never the key of a lock. A change is one script on this key.
 */
export class RunningExecutionsCache implements RunningExecutions {
  constructor(
    private readonly connection: Pick<CacheConnection, 'evaluate'>,
    private readonly cache: Pick<WorkflowCache, 'workflow'>,
  ) {}

  public async read(groups: readonly string[]): Promise<readonly (readonly RunningExecution[])[]> {
    // The groups may be on different nodes, so each takes a request.
    const fields = await Promise.all(groups.map((group) => this.connection.evaluate(READ, this.keyOf(group), [])));
    // The script returns the names and values of the hash.
    return fields.map((each) => toExecutions(each as string[]));
  }

  public async enter(group: string, capacity: number, execution: RunningExecution): Promise<boolean> {
    const { executionId, fence, expires } = execution;
    const parameters = [executionId, fence, expires, capacity];
    return (await this.connection.evaluate(ENTER, this.keyOf(group), parameters)) === 1;
  }

  public async leave(group: string, executionId: string, fence: number, expires?: number): Promise<boolean> {
    const parameters = [executionId, fence, expires ?? ''];
    return (await this.connection.evaluate(LEAVE, this.keyOf(group), parameters)) === 1;
  }

  private keyOf(group: string): string {
    return LOCK_KEY_PREFIX + partitionOf(this.cache.workflow, group);
  }
}

/** @param fields alternating names and values, as HGETALL returns them */
function toExecutions(fields: readonly string[]): RunningExecution[] {
  const executions: RunningExecution[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [fence, expires] = fields[index + 1]!.split(' ').map(Number);
    executions.push({ executionId: fields[index]!, fence: fence ?? 0, expires: expires ?? 0 });
  }
  return executions;
}
