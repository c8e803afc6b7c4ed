import { ClientLockCache } from './client-lock-cache';
import { ACQUIRE, COMMIT, RELEASE } from './lease-scripts';
import { hasAcquired, hasCommitted } from '../../engine/locks/repeated-writes';
import type { AcquireRequest, ExecutionStatus, Lease, LockStore } from '../../engine/ports';
import { hasEnded, type CommitOptions } from '../../engine/ports/lock-store';

/** The locks in a cache. */
export class LockCache extends ClientLockCache implements LockStore {
  public async acquire(request: AcquireRequest): ReturnType<LockStore['acquire']> {
    const { incarnation, step, parent, now, place, alone, redriven, mail = '', handles } = request;
    const { lock, changed } = await this.run(ACQUIRE, request.executionId, [
      incarnation,
      step,
      step - 1,
      parent,
      now,
      alone ? 1 : 0,
      mail,
      redriven,
      request.machine,
      ...['incarnation', incarnation],
      ...['mail', mail],
      ...['handles', JSON.stringify(handles ?? null)],
      ...['step', step],
      ...['parent', parent],
      ...['reopened', redriven],
      ...['holder', request.holder],
      ...['expires', request.expires],
      ...['state', request.state],
      ...(place ? ['place', JSON.stringify(place)] : []),
      ...['done', 0],
      ...['status', 'running'],
      ...['updatedAt', now],
    ]);
    return lock && (changed || hasAcquired(request, lock)) ? { acquired: true, lock } : { acquired: false, lock };
  }

  public async release(lease: Lease): Promise<void> {
    await this.run(RELEASE, lease.executionId, [lease.incarnation, lease.fence]);
  }

  public async commit(
    lease: Lease,
    status: ExecutionStatus,
    now: number,
    { accepts, handles, busyUntil = 0 }: CommitOptions = {},
  ): Promise<boolean> {
    const keepSeconds = hasEnded({ status }) ? this.keepSeconds : '';
    const events = accepts ? ['accepts', JSON.stringify(accepts), 'handles', JSON.stringify(handles ?? null)] : [];
    const parameters = [lease.incarnation, lease.fence, status, now, busyUntil, keepSeconds, ...events];
    const { lock, changed } = await this.run(COMMIT, lease.executionId, parameters);
    return changed || hasCommitted(lease, lock);
  }
}
