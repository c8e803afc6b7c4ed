import { hasEnded, type AcquireRequest, type Clock, type ExecutionStatus, type Lease, type Lock, type LockStore } from '../engine';
import { hasAcquired, hasCommitted, hasInstalled, hasReopened } from '../engine/own-write';

/** Options of {@link InMemoryLockStore}. */
export interface InMemoryLockStoreOptions {
  /** Tells when a lock has outlived its retention. */
  readonly clock: Clock;
  /**
   * Milliseconds after which the lock of a completed or cancelled execution is forgotten, as the time-to-live of a table does it.
   *
   * @default Infinity
   */
  readonly retention?: number;
}

/** A {@link LockStore} in memory. */
export class InMemoryLockStore implements LockStore {
  private readonly locks = new Map<string, { readonly lock: Lock; readonly forgetAt: number }>();
  private readonly clock: Clock;
  private readonly retention: number;

  constructor(options: InMemoryLockStoreOptions) {
    this.clock = options.clock;
    this.retention = options.retention ?? Infinity;
  }

  /** All locks that are not forgotten, in the order of their first acquisition. */
  public get all(): readonly Lock[] {
    return [...this.locks.keys()].flatMap((executionId) => this.find(executionId) ?? []);
  }

  public async acquire(request: AcquireRequest): ReturnType<LockStore['acquire']> {
    const lock = this.find(request.executionId);
    if (lock && hasAcquired(request, lock)) {
      return { acquired: true, lock };
    }
    if (!mayAcquire(lock, request)) {
      return { acquired: false, lock };
    }
    const { executionId, machine, step, parent, holder, expires, state, place, now } = request;
    return {
      acquired: true,
      lock: this.store({
        executionId,
        machine,
        step,
        fence: (lock?.fence ?? 0) + 1,
        parent,
        holder,
        expires,
        released: lock?.released ?? 0,
        done: false,
        status: 'running',
        state,
        place,
        startedAt: lock?.startedAt ?? now,
        updatedAt: now,
      }),
    };
  }

  public async release(lease: Lease): Promise<void> {
    const lock = this.find(lease.executionId);
    if (lock && lock.fence === lease.fence && !lock.done) {
      this.store({ ...lock, expires: 0, released: lock.fence });
    }
  }

  public async commit(lease: Lease, status: ExecutionStatus, now: number): Promise<boolean> {
    const lock = this.find(lease.executionId);
    if (lock?.fence !== lease.fence || lock.released === lease.fence) {
      return hasCommitted(lease, lock);
    }
    this.store({ ...lock, done: true, status, expires: 0, updatedAt: now }, hasEnded({ status }) ? now + this.retention : Infinity);
    return true;
  }

  public async read(executionId: string): Promise<Lock | undefined> {
    return this.find(executionId);
  }

  public async reopen(executionId: string, fence: number, now: number): Promise<boolean> {
    const lock = this.find(executionId);
    if (lock?.status !== 'failed' || lock.fence !== fence) {
      return hasReopened(fence, now, lock);
    }
    this.store({ ...lock, done: false, status: 'running', released: fence, updatedAt: now });
    return true;
  }

  public async cancel(executionId: string, now: number): Promise<Lock | undefined> {
    const lock = this.find(executionId);
    if (!lock || hasEnded(lock)) return lock;
    const cancelled = { ...lock, done: true, status: 'cancelled' as const, expires: 0, fence: lock.fence + 1, updatedAt: now };
    return this.store(cancelled, now + this.retention);
  }

  public async install(lock: Lock, below: number): ReturnType<LockStore['install']> {
    const found = this.find(lock.executionId);
    if (found && found.fence >= below) return { acquired: hasInstalled(lock, found), lock: found };
    return { acquired: true, lock: this.store(lock, hasEnded(lock) ? lock.updatedAt + this.retention : Infinity) };
  }

  private find(executionId: string): Lock | undefined {
    const stored = this.locks.get(executionId);
    if (stored && stored.forgetAt <= this.clock.now()) {
      this.locks.delete(executionId);
      return undefined;
    }
    return stored?.lock;
  }

  private store(lock: Lock, forgetAt: number = Infinity): Lock {
    this.locks.set(lock.executionId, { lock: Object.freeze(lock), forgetAt });
    return lock;
  }
}

function mayAcquire(lock: Lock | undefined, request: AcquireRequest): boolean {
  if (!lock) {
    return request.step === 0;
  }
  const commits = lock.step === request.step - 1 && lock.fence === request.parent;
  const retries = lock.step === request.step && lock.parent === request.parent && !lock.done && lock.expires < request.now;
  return commits || retries;
}
