import {
  hasEnded,
  type AcquireRequest,
  type Clock,
  type ExecutionStatus,
  type Lease,
  type Lock,
  type LockStore,
} from '../../engine';
import { hasAcquired, hasCommitted, hasRecorded, hasReopened } from '../../engine/locks/repeated-writes';
import { isSuspect, pendingLock, type CommitOptions, type PendingStart } from '../../engine/ports/lock-store';

/** Options of {@link InMemoryLockStore}. */
export interface InMemoryLockStoreOptions {
  /** The clock by which locks expire. */
  readonly clock: Clock;
  /**
   * Retention of the lock of a completed or canceled execution, in milliseconds: the equivalent of a table's time to live.
   *
   * @default Infinity
   */
  readonly retention?: number;
}

/** A {@link LockStore} in memory. */
export class InMemoryLockStore implements LockStore {
  private readonly locks = new Map<string, { readonly lock: Lock; readonly expiresAt: number }>();
  private readonly clock: Clock;
  private readonly retention: number;

  constructor(options: InMemoryLockStoreOptions) {
    this.clock = options.clock;
    this.retention = options.retention ?? Infinity;
  }

  /** All locks that have not expired, in the order of their first acquisition. */
  public get all(): readonly Lock[] {
    return [...this.locks.keys()].flatMap((executionId) => this.find(executionId) ?? []);
  }

  public async acquire(request: AcquireRequest): ReturnType<LockStore['acquire']> {
    const lock = this.find(request.executionId);
    if (lock && hasAcquired(request, lock)) {
      return { acquired: true, lock };
    }
    if (!lock || !mayAcquire(lock, request)) {
      return { acquired: false, lock };
    }
    const { step, parent, holder, expires, state, mail, handles, place, now, alone } = request;
    const fence = lock.fence + 1;
    return {
      acquired: true,
      lock: this.store({
        ...lock,
        step,
        fence,
        parent,
        holder,
        expires,
        reopened: request.redriven,
        accompanied: alone ? lock.accompanied : fence,
        done: false,
        status: 'running',
        state,
        mail,
        handles,
        place,
        updatedAt: now,
      }),
    };
  }

  public async release(lease: Lease): Promise<void> {
    const lock = this.find(lease.executionId);
    if (lock && isHeld(lock, lease) && !lock.done) {
      this.store({ ...lock, expires: 0, released: lock.fence });
    }
  }

  public async commit(
    lease: Lease,
    status: ExecutionStatus,
    now: number,
    { accepts, handles, busyUntil = 0 }: CommitOptions = {},
  ): Promise<boolean> {
    const lock = this.find(lease.executionId);
    if (!lock || !isHeld(lock, lease) || lock.released === lease.fence) {
      return hasCommitted(lease, lock);
    }
    this.store(
      { ...lock, ...(accepts && { accepts, handles }), done: true, status, expires: busyUntil, updatedAt: now },
      hasEnded({ status }) ? this.clock.now() + this.retention : Infinity,
    );
    return true;
  }

  public async read(executionId: string): Promise<Lock | undefined> {
    return this.find(executionId);
  }

  public async recordStart(start: PendingStart): ReturnType<LockStore['recordStart']> {
    const lock = this.find(start.executionId);
    return lock
      ? { recorded: hasRecorded(start, lock), lock }
      : { recorded: true, lock: this.store(pendingLock(start)) };
  }

  public async reopen(failed: Parameters<LockStore['reopen']>[0], now: number): Promise<boolean> {
    const lock = this.find(failed.executionId);
    if (lock?.status !== 'failed' || !isHeld(lock, failed)) {
      return hasReopened(failed, now, lock);
    }
    this.store({ ...lock, done: false, status: 'running', released: lock.fence, reopened: lock.fence, updatedAt: now });
    return true;
  }

  public async cancel(executionId: string, now: number): Promise<Lock | undefined> {
    const lock = this.find(executionId);
    if (!lock || hasEnded(lock)) return lock;
    const cancelled = {
      ...lock,
      done: true,
      status: 'cancelled' as const,
      expires: 0,
      fence: lock.fence + 1,
      updatedAt: now,
    };
    return this.store(cancelled, this.clock.now() + this.retention);
  }

  private find(executionId: string): Lock | undefined {
    const stored = this.locks.get(executionId);
    if (stored && stored.expiresAt <= this.clock.now()) {
      this.locks.delete(executionId);
      return undefined;
    }
    return stored?.lock;
  }

  private store(lock: Lock, expiresAt: number = Infinity): Lock {
    this.locks.set(lock.executionId, { lock: Object.freeze(lock), expiresAt });
    return lock;
  }
}

function isHeld(lock: Lock, { incarnation, fence }: Pick<Lock, 'incarnation' | 'fence'>): boolean {
  return lock.incarnation === incarnation && lock.fence === fence;
}

function mayAcquire(lock: Lock, request: AcquireRequest): boolean {
  if (lock.incarnation !== request.incarnation || lock.machine !== request.machine) return false;
  const commits = lock.step === request.step - 1 && lock.fence === request.parent;
  const retries =
    lock.step === request.step &&
    lock.parent === request.parent &&
    lock.reopened === request.redriven &&
    !lock.done &&
    lock.expires < request.now;
  return commits || (retries && lock.mail === request.mail && (request.alone || !isSuspect(lock)));
}
