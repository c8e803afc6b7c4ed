import type { Logger } from '../machine';
import { asError, LocksUnavailableError } from './errors';
import { FENCE_STRIDE } from './ports';
import type { AcquireRequest, Acquisition, Clock, ExecutionStatus, Lease, Lock, LockStore, Metrics } from './ports';

/** The lock that says which of the stores is in use. No execution can have this id, since it has a space. */
const SWITCH = 'lock store in use';

/** How long an environment goes without looking at the switch, in milliseconds. */
const LOOK_EVERY = 10_000;

/** By then everybody knows of a switch, and no request of before is on its way: a look, the difference of two clocks, and a request. */
const ALL_KNOW_AFTER = 30_000;

/** The first store is left when it has failed for so long, and so often, without an answer between. */
const PATIENCE = 60_000;
const FAILURES = 3;

/** While the second store is in use, an environment asks the first one this often, and goes back when it has answered so often. */
const PROBE_EVERY = 30_000;
const ANSWERS = 3;

/** No message is older: the longest retention of SQS, and a day. */
const OLDEST_MESSAGE = 15 * 86_400_000;

/** Which store is in use: the first one after an even number of turns, the second after an odd one. */
interface Position {
  readonly turns: number;
  /** Milliseconds since the epoch of the last turn. */
  readonly since: number;
}

/**
 * Two lock stores, of which the second takes over when the first does not answer.
 *
 * All use the same one at a time. Which one it is says a lock in the second store, at which everybody looks every ten seconds; between the
 * stores lies a pause, in which nobody is granted anything:
 *
 *     first store   ──── in use ────╳ fails for a minute                                          ─ answers again
 *     switch                          turn 1 ───────────────────────────────────────────────────── turn 2 ─────
 *     second store                          ─ all know, and all leases are over ─── in use ───────────────── all know ─
 *     first store                                                                                                     ─── in use
 *
 * The second store knows nothing of what the first has granted. It takes an envelope at its word: the first that comes for an execution is
 * granted its step, under a fence beyond all that the first store can have given. So fences grow, but a step that the first store knew to
 * be done, and whose envelope comes again, is run again. What executions have become in the second store, the first takes over from it,
 * one by one, before it grants them anything.
 */
export class FailoverLockStore implements LockStore {
  private position: Position = { turns: 0, since: 0 };
  private lookedAt = Number.NEGATIVE_INFINITY;
  private looking?: Promise<void>;
  private failures = 0;
  private failingSince = 0;
  private answers = 0;
  private probedAt = 0;

  /** @param longestLease milliseconds: nothing that the first store has granted is valid for longer */
  constructor(
    private readonly first: LockStore,
    private readonly second: LockStore,
    private readonly longestLease: number,
    private readonly system: { readonly clock: Clock; readonly metrics: Pick<Metrics, 'count'>; readonly logger: Logger },
  ) {}

  public async acquire(request: AcquireRequest): Promise<Acquisition> {
    if (await this.isSecondInUse()) {
      const [answer] = await Promise.all([this.acquireFromSecond(request), this.probe()]);
      return answer;
    }
    const recent = this.position.turns > 0 && this.system.clock.now() < this.position.since + OLDEST_MESSAGE;
    if (recent) await this.bringBack(request.executionId);
    const answer = await this.askFirst(() => this.first.acquire(request));
    // What waits longer than any message (a parked execution) may be known to the second store alone.
    if (answer.acquired || recent || this.position.turns === 0) return answer;
    return await this.bringBack(request.executionId) ? this.askFirst(() => this.first.acquire(request)) : answer;
  }

  public async release(lease: Lease): Promise<void> {
    await Promise.all(this.storesOfLeases().map((store) => store.release(lease)));
  }

  /** Where the lease was granted: no other lock has its fence. A lease of before a turn is good until it is over. */
  public async commit(lease: Lease, status: ExecutionStatus, now: number): Promise<boolean> {
    for (const store of this.storesOfLeases()) {
      if (await store.commit(lease, status, now)) return true;
    }
    return false;
  }

  public async read(executionId: string): Promise<Lock | undefined> {
    if (await this.isSecondInUse()) return this.knownToSecond(executionId);
    const [inFirst, inSecond] = await Promise.all([
      this.first.read(executionId), this.position.turns > 0 ? this.second.read(executionId) : undefined,
    ]);
    return inSecond && inSecond.fence > (inFirst?.fence ?? 0) ? inSecond : inFirst;
  }

  public async reopen(executionId: string, fence: number, now: number): Promise<boolean> {
    return (await this.storeOf(executionId)).reopen(executionId, fence, now);
  }

  public async cancel(executionId: string, now: number): Promise<Lock | undefined> {
    return (await this.storeOf(executionId)).cancel(executionId, now);
  }

  public async install(lock: Lock, below: number): Promise<Acquisition> {
    return (await this.storeOf(lock.executionId)).install(lock, below);
  }

  // ---- the second store -----------------------------------------------------------------------------------------------------

  private async acquireFromSecond(request: AcquireRequest): Promise<Acquisition> {
    const { executionId, machine, step, parent, state, holder, now, expires, place } = request;
    const known = await this.second.read(executionId);
    this.system.metrics.count('LockFailover');
    if (known && (known.fence >= parent)) return this.second.acquire(request);
    return this.second.install({
      ...{ executionId, machine, step, parent, state, holder, expires, place },
      ...{ fence: parent + FENCE_STRIDE + 1, released: parent, done: false, status: 'running', startedAt: now, updatedAt: now },
    }, parent);
  }

  /** @throws LocksUnavailableError for an execution that may be known to the first store */
  private async knownToSecond(executionId: string): Promise<Lock> {
    const lock = await this.second.read(executionId);
    if (lock && !isLeft(lock)) return lock;
    throw new LocksUnavailableError(`the first lock store does not answer, and the second does not know execution "${executionId}"`);
  }

  private async storeOf(executionId: string): Promise<LockStore> {
    if (await this.isSecondInUse()) {
      await this.knownToSecond(executionId);
      return this.second;
    }
    if (this.position.turns > 0) await this.bringBack(executionId);
    return this.first;
  }

  /**
   * Lets the first store take over what an execution has become in the second. In its place stays that it was there: a lock with the fence
   * 0, which is older than any.
   *
   * @returns whether the second store knew anything
   */
  private async bringBack(executionId: string): Promise<boolean> {
    const lock = await this.second.read(executionId);
    if (!lock || isLeft(lock)) return false;
    await this.askFirst(() => this.first.install(lock, lock.fence));
    await this.second.install({ ...lock, fence: 0, holder: '', expires: 0, done: true, status: 'cancelled' }, lock.fence + 1);
    return true;
  }

  /** The one that is in use before the other, which knows no more than leases of before the turn. */
  private storesOfLeases(): readonly LockStore[] {
    if (this.position.turns === 0) return [this.first];
    return this.position.turns % 2 === 1 ? [this.second, this.first] : [this.first, this.second];
  }

  // ---- the switch -----------------------------------------------------------------------------------------------------------

  /** @throws LocksUnavailableError while nobody may be granted anything */
  private async isSecondInUse(): Promise<boolean> {
    await this.look();
    const { turns, since } = this.position;
    const isSecond = turns % 2 === 1;
    const from = turns === 0 ? 0 : since + ALL_KNOW_AFTER + (isSecond ? this.longestLease : 0);
    if (this.system.clock.now() >= from) return isSecond;
    throw new LocksUnavailableError(`the ${isSecond ? 'second' : 'first'} lock store is used from ${new Date(from).toISOString()} on, when all know of it`);
  }

  private look(): Promise<void> {
    if (this.system.clock.now() < this.lookedAt + LOOK_EVERY) return Promise.resolve();
    this.looking ??= this.readSwitch().finally(() => { this.looking = undefined; });
    return this.looking;
  }

  private async readSwitch(): Promise<void> {
    const now = this.system.clock.now();
    try {
      this.turned(await this.second.read(SWITCH));
    } catch (thrown) {
      // While the second store does not answer, nobody is granted anything by it; so who uses the first one goes on.
      if (this.position.turns % 2 === 1) throw thrown;
      this.system.logger.warn(`The second lock store does not answer: ${asError(thrown).message}`);
    }
    this.lookedAt = now;
  }

  private turned(lock: Lock | undefined): void {
    if (lock && lock.step + 1 > this.position.turns) this.position = { turns: lock.step + 1, since: lock.updatedAt };
  }

  /** Of many who turn at once, one does it, and the others see that it was done. */
  private async turn(why: string): Promise<void> {
    const { turns } = this.position;
    const now = this.system.clock.now();
    // It never runs out: the same turn cannot be made twice.
    const lease = { holder: `${turns}`, now, expires: Number.MAX_SAFE_INTEGER };
    const { lock } = await this.second.acquire({ executionId: SWITCH, machine: SWITCH, step: turns, parent: turns, state: why, ...lease });
    this.turned(lock);
    this.failures = 0;
    this.answers = 0;
    this.system.logger.error(`The ${turns % 2 === 0 ? 'second' : 'first'} lock store is to be used: ${why}.`);
  }

  /** Asks the first store, and leaves it when it does not answer for too long. */
  private async askFirst<T>(ask: () => Promise<T>): Promise<T> {
    try {
      const answer = await ask();
      this.failures = 0;
      return answer;
    } catch (thrown) {
      const now = this.system.clock.now();
      if (this.failures === 0) this.failingSince = now;
      this.failures += 1;
      if (this.failures >= FAILURES && now - this.failingSince >= PATIENCE) await this.turn('the first one does not answer');
      throw thrown;
    }
  }

  private async probe(): Promise<void> {
    const now = this.system.clock.now();
    if (now < this.probedAt + PROBE_EVERY) return;
    this.probedAt = now;
    try {
      await this.first.read(SWITCH);
      this.answers += 1;
    } catch {
      this.answers = 0;
    }
    if (this.answers >= ANSWERS) await this.turn('the first one answers again');
  }
}

/** Whether the execution is no more in this store. */
function isLeft({ fence }: Lock): boolean {
  return fence === 0;
}
