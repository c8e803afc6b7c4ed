import type { CacheConnection } from './connection';
import { LockHash } from './lock-hash';
import { ACQUIRE, CANCEL, COMMIT, INSTALL, READ, RELEASE, REOPEN, type Script } from './scripts';
import { hasAcquired, hasCommitted, hasInstalled, hasReopened } from '../../engine/own-write';
import { hasEnded, type AcquireRequest, type ExecutionStatus, type Lease, type Lock, type LockStore } from '../../engine/ports';

/** What the key of a lock begins with: the cache's user may touch no other keys. */
export const KEY_PREFIX = 'lock:';

const SECONDS_A_DAY = 86_400;

/**
 * The locks in a cache that speaks the protocol of Valkey: a hash for each execution. Each method is one script, which the cache runs as
 * one atomic operation. A lock gets a time to live when its execution has completed or is cancelled, and never otherwise, so that neither
 * expiry nor eviction (which takes only what has a time to live) can forget a fence token that is still needed.
 *
 * The connection repeats a request whose answer was lost, and so may find that its own write stands in its way; every answer brings the
 * lock along, by which each method knows its own write again.
 */
export class LockCache implements LockStore {
  /** @param retentionDays days for which the lock of an execution that has completed or is cancelled is kept */
  constructor(private readonly connection: Pick<CacheConnection, 'evaluate'>, private readonly retentionDays: number) {}

  public async acquire(request: AcquireRequest): ReturnType<LockStore['acquire']> {
    const { step, parent, now, place } = request;
    const { lock, changed } = await this.run(ACQUIRE, request.executionId, [
      step, step - 1, parent, now,
      ...['machine', request.machine],
      ...['step', step],
      ...['parent', parent],
      ...['holder', request.holder],
      ...['expires', request.expires],
      ...['state', request.state],
      ...place ? ['place', JSON.stringify(place)] : [],
      ...['done', 0],
      ...['status', 'running'],
      ...['updatedAt', now],
    ]);
    return lock && (changed || hasAcquired(request, lock)) ? { acquired: true, lock } : { acquired: false, lock };
  }

  public async release(lease: Lease): Promise<void> {
    await this.run(RELEASE, lease.executionId, [lease.fence]);
  }

  public async commit(lease: Lease, status: ExecutionStatus, now: number): Promise<boolean> {
    const forgetAt = hasEnded({ status }) ? this.forgetAt(now) : '';
    const { lock, changed } = await this.run(COMMIT, lease.executionId, [lease.fence, status, now, forgetAt]);
    return changed || hasCommitted(lease, lock);
  }

  public async read(executionId: string): Promise<Lock | undefined> {
    return (await this.run(READ, executionId, [])).lock;
  }

  public async reopen(executionId: string, fence: number, now: number): Promise<boolean> {
    const { lock, changed } = await this.run(REOPEN, executionId, [fence, now]);
    return changed || hasReopened(fence, now, lock);
  }

  public async cancel(executionId: string, now: number): Promise<Lock | undefined> {
    return (await this.run(CANCEL, executionId, [now, this.forgetAt(now)])).lock;
  }

  public async install(lock: Lock, below: number): ReturnType<LockStore['install']> {
    const { executionId, place, done, ...fields } = lock;
    const { lock: stored, changed } = await this.run(INSTALL, executionId, [
      below,
      hasEnded(lock) ? this.forgetAt(lock.updatedAt) : '',
      ...Object.entries({ ...fields, done: done ? 1 : 0, ...place && { place: JSON.stringify(place) } }).flat(),
    ]);
    return stored && (changed || hasInstalled(lock, stored)) ? { acquired: true, lock: stored } : { acquired: false, lock: stored };
  }

  /** @returns the second since the epoch at which an execution that ends now may be forgotten */
  private forgetAt(now: number): number {
    return Math.floor(now / 1_000) + this.retentionDays * SECONDS_A_DAY;
  }

  private async run(
    script: Script, executionId: string, parameters: readonly (string | number)[],
  ): Promise<{ readonly changed: boolean; readonly lock?: Lock }> {
    const key = KEY_PREFIX + executionId;
    // What each script answers with, see there.
    const [changed, fields] = await this.connection.evaluate(script, key, parameters) as [number, string[]];
    return { changed: changed === 1, lock: fields.length === 0 ? undefined : new LockHash(key, fields).lock(executionId) };
  }
}
