import type { CacheConnection } from './connection';
import { LockHash } from './lock-hash';
import { CANCEL, READ, RECORD_START, REOPEN, type Script } from './scripts';
import { LOCK_KEY_PREFIX } from '../../contract/caches';
import type { WorkflowCache } from '../../contract/configuration';
import { partitionOf } from '../../contract/tables';
import { hasRecorded, hasReopened } from '../../engine/locks/repeated-writes';
import type { ClientLockStore, Lock, PendingStart } from '../../engine/ports';
import { pendingLock } from '../../engine/ports/lock-store';

const SECONDS_A_DAY = 86_400;

/**
 * The operations of clients on the locks in a cache that implements the protocol of Valkey: one hash for each execution. Each method runs one script, which the cache
 * executes as one atomic operation. A lock receives a time to live when its execution completes or is canceled, and never otherwise: neither
 * expiry nor eviction (which removes only keys with a time to live) may remove a fence token that is still needed.
 *
 * The connection retries a request whose response was lost, and the retry may be refused because of its own first write. Every response
 * contains the lock, by which each method recognizes its own write.
 */
export class ClientLockCache implements ClientLockStore {
  constructor(
    private readonly connection: Pick<CacheConnection, 'evaluate'>,
    private readonly cache: Pick<WorkflowCache, 'workflow' | 'retentionDays'>,
  ) {}

  public async read(executionId: string): Promise<Lock | undefined> {
    return (await this.run(READ, executionId, [])).lock;
  }

  public async recordStart(start: PendingStart): ReturnType<ClientLockStore['recordStart']> {
    const { executionId, done: _, ...fields } = pendingLock(start);
    const { lock, changed } = await this.run(RECORD_START, executionId, [
      'done',
      0,
      'mail',
      '',
      ...Object.entries(fields).flat(),
    ]);
    // The script returns the lock that it has found or created.
    if (!lock) throw new Error('The cache returned no lock for a start.');
    return { recorded: changed || hasRecorded(start, lock), lock };
  }

  public async reopen(failed: Parameters<ClientLockStore['reopen']>[0], now: number): Promise<boolean> {
    const { executionId, incarnation, fence } = failed;
    const { lock, changed } = await this.run(REOPEN, executionId, [incarnation, fence, now]);
    return changed || hasReopened(failed, now, lock);
  }

  public async cancel(executionId: string, now: number): Promise<Lock | undefined> {
    return (await this.run(CANCEL, executionId, [now, this.keepSeconds])).lock;
  }

  /** How long the lock of an ended execution is kept, in seconds. */
  protected get keepSeconds(): number {
    return this.cache.retentionDays * SECONDS_A_DAY;
  }

  protected async run(
    script: Script,
    executionId: string,
    parameters: readonly (string | number)[],
  ): Promise<{ readonly changed: boolean; readonly lock?: Lock }> {
    const key = LOCK_KEY_PREFIX + partitionOf(this.cache.workflow, executionId);
    // Each script returns these two values.
    const [changed, fields] = (await this.connection.evaluate(script, key, parameters)) as [number, string[]];
    return {
      changed: changed === 1,
      lock: fields.length === 0 ? undefined : new LockHash(key, fields).lock(executionId),
    };
  }
}
