import type { CacheConnection } from './connection';
import { KEY_PREFIX } from './lock-cache';
import { ENTER, LEAVE } from './scripts';
import type { RunningExecution, RunningExecutions } from '../../engine/ports';

/**
 * The executions that are counted, in the cache of the locks: a hash for each group, whose key can be that of no lock since it has spaces,
 * with a field for each execution. A change is one script on that one key.
 */
export class RunningExecutionsCache implements RunningExecutions {
  constructor(private readonly connection: Pick<CacheConnection, 'evaluate'>) {}

  public async enter(group: string, capacity: number, execution: RunningExecution): Promise<readonly RunningExecution[] | undefined> {
    const { executionId, fence, expires } = execution;
    // What the script answers with, see there.
    const parameters = [executionId, fence, expires, 2 * capacity];
    const fields = await this.connection.evaluate(ENTER, KEY_PREFIX + group, parameters) as string[] | null;
    return fields ? toExecutions(fields) : undefined;
  }

  public async leave(group: string, executionId: string, fence: number, expires?: number): Promise<void> {
    await this.connection.evaluate(LEAVE, KEY_PREFIX + group, [executionId, fence, expires ?? '']);
  }
}

/** Names and values by turns, as HGETALL answers. */
function toExecutions(fields: readonly string[]): RunningExecution[] {
  const executions: RunningExecution[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [fence, expires] = fields[index + 1]!.split(' ').map(Number);
    executions.push({ executionId: fields[index]!, fence: fence ?? 0, expires: expires ?? 0 });
  }
  return executions;
}
