import { shardOf } from './shard';
import type { Envelope } from '../envelope/envelope';
import type { Lock, Ports, RunningExecution, RunningExecutions } from '../ports';
import { hasEnded } from '../ports/lock-store';

/** Number of groups in which an execution may count: its home group, and those that follow it. */
const MAX_GROUPS = 10;

/** Interval at which an environment checks the counted executions of a full group, in milliseconds. */
const SWEEP_INTERVAL_MS = 60_000;

/**
 * An execution that has waited for longer than the first time takes precedence over those that have waited for less than the second, for
 * as long as it may take until it is delivered again. In milliseconds.
 */
const LONG_WAIT_MS = 60_000;
const SHORT_WAIT_MS = 10_000;
const PRECEDENCE_MS = 62_000;

/** A part of the limit of a machine. */
interface Group {
  readonly name: string;
  readonly capacity: number;
}

/** A group, and the executions that it counts. */
interface ReadGroup extends Group {
  readonly counted: readonly RunningExecution[];
}

/**
 * Limits how many executions of a machine run concurrently.
 *
 * Stores execution ids rather than a counter, so that no execution counts twice and stale entries are detected by their locks.
 *
 *     worker A  ── enters x ── acquires x, step 0 ── … ── commits the end of x ── x leaves
 *     worker B  ── enters y: no room ── y waits in the retry queue
 *
 * The ids of a machine are spread over groups, so that no item of the store is written by all starts. An execution counts in its home
 * group. If that is full, it counts in the emptiest of the groups that follow, so that a full group keeps no execution waiting while
 * others have room. An execution that finds no room only reads: a refused write would cost as much as an accepted one.
 *
 * An invocation that dies after `enter` receives the envelope again, and x still counts. One that dies before `leave` receives its record
 * again, finds that the execution has ended, and removes it. If that fails too, or a client has canceled the execution, the next invocation
 * that finds no room reads the locks of the counted executions, and removes those that no longer run. A redelivered start may enter a second
 * group; its entry in the other one is removed in the same way.
 *
 * A failed execution does not count. A redriven one enters again with the fence that it failed with, so that a late invocation that saw the
 * failure does not remove it.
 */
export class ConcurrencyLimiter {
  private readonly sweptAt = new Map<string, number>();
  /** By machine: until when an execution that has waited for long takes precedence, in milliseconds since the epoch. */
  private readonly precedenceUntil = new Map<string, number>();

  constructor(
    private readonly ports: Pick<Ports, 'clock' | 'locks' | 'running'>,
    private readonly limits: Readonly<Record<string, number>>,
    private readonly groupSize: number,
  ) {}

  /**
   * Whether the execution of an envelope may continue. Only a start and a redriven envelope may have to wait.
   *
   * @param expires when the invocation must have ended, in milliseconds since the epoch
   * @throws if a store does not answer
   */
  public async admits(envelope: Envelope, expires: number): Promise<boolean> {
    const { executionId, machine, step, redriven } = envelope;
    const { clock, locks, running } = this.ports;
    const [home, ...following] = this.groupsOf(machine, executionId);
    if (!running || !home || (step > 0 && redriven === undefined)) return true;
    const execution = { executionId, fence: redriven ?? 0, expires };
    const waitedMs = clock.now() - envelope.sentAt;
    // The last place of a group is left to executions that have waited for long: those that arrive would always be the first to find it.
    const yields = waitedMs < SHORT_WAIT_MS && clock.now() < (this.precedenceUntil.get(machine) ?? 0);
    const reserve = yields ? 1 : 0;

    const read = await readGroups(running, [home]);
    if (await enterOne(running, read, execution, reserve)) return true;
    if (following.length > 0) {
      const more = await readGroups(running, following);
      read.push(...more);
      if (await enterOne(running, more, execution, reserve)) return true;
    }
    // A duplicate needs no room: its acquisition will be refused.
    const lock = await locks.read(executionId);
    if (lock && lock.fence > execution.fence) return true;
    const swept = await this.sweep(running, read);
    if (swept && (await running.enter(swept.name, swept.capacity - reserve, execution))) return true;
    if (waitedMs > LONG_WAIT_MS) this.precedenceUntil.set(machine, clock.now() + PRECEDENCE_MS);
    return false;
  }

  /**
   * Stops counting an execution that has ended or failed under a fence.
   *
   * @throws if the store does not answer. A later sweep repeats it
   */
  public async leave(
    { executionId, machine }: Pick<Envelope, 'executionId' | 'machine'>,
    fence: number,
  ): Promise<void> {
    const [home, ...following] = this.groupsOf(machine, executionId);
    const { running } = this.ports;
    if (!running || !home || (await running.leave(home.name, executionId, fence)) || following.length === 0) return;
    const other = (await readGroups(running, following)).find((group) => counts(group, executionId));
    if (other) await running.leave(other.name, executionId, fence);
  }

  /**
   * Removes the executions that no longer run from one of the groups that were not checked for a while.
   *
   * @returns the group if it has room now
   */
  private async sweep(running: RunningExecutions, groups: readonly ReadGroup[]): Promise<Group | undefined> {
    const now = this.ports.clock.now();
    const group = groups.find(({ name }) => now >= (this.sweptAt.get(name) ?? -Infinity) + SWEEP_INTERVAL_MS);
    if (!group) return undefined;
    this.sweptAt.set(group.name, now);
    const left = await Promise.allSettled(
      group.counted.map(async (execution) => {
        const read = await this.ports.locks.read(execution.executionId);
        // Its message may have been dead-lettered before its first step: then only the end of its invocation frees its place.
        const lock = read?.status === 'pending' ? undefined : read;
        if (!isOver(execution, lock, now)) return false;
        // Only this entry: if the execution enters again in the meantime, its new entry is later.
        const [fence, expires] = lock ? [lock.fence] : [execution.fence + 1, execution.expires];
        await running.leave(group.name, execution.executionId, fence, expires);
        return true;
      }),
    );
    return left.some((result) => result.status === 'fulfilled' && result.value) ? group : undefined;
  }

  /** The groups in which an execution may count, its home group first. None if its machine has no limit. */
  private groupsOf(machine: string, executionId: string): readonly Group[] {
    const limit = Object.hasOwn(this.limits, machine) ? this.limits[machine] : undefined;
    if (limit === undefined) return [];
    const count = Math.ceil(limit / this.groupSize);
    const home = shardOf(executionId, count);
    return Array.from({ length: Math.min(MAX_GROUPS, count) }, (_, distance) => {
      const index = (home + distance) % count;
      return {
        name: `running ${machine} ${index}`,
        capacity: Math.floor(limit / count) + (index < limit % count ? 1 : 0),
      };
    });
  }
}

async function readGroups(running: RunningExecutions, groups: readonly Group[]): Promise<ReadGroup[]> {
  const counted = await running.read(groups.map(({ name }) => name));
  return groups.map((group, index) => ({ ...group, counted: counted[index] ?? [] }));
}

/**
 * Enters the group that counts the execution, or else the emptiest one.
 *
 * @param reserve number of places that must stay free
 * @returns whether the execution is counted
 */
async function enterOne(
  running: RunningExecutions,
  groups: readonly ReadGroup[],
  execution: RunningExecution,
  reserve: number,
): Promise<boolean> {
  const room = ({ capacity, counted }: ReadGroup) => capacity - reserve - counted.length;
  const own = groups.find((group) => counts(group, execution.executionId));
  const candidates = own ? [own] : groups.filter((group) => room(group) > 0).sort((a, b) => room(b) - room(a));
  // Other executions enter at the same time, so a group may be full when its turn comes.
  for (const { name, capacity } of candidates) {
    if (await running.enter(name, capacity - reserve, execution)) return true;
  }
  return false;
}

function counts({ counted }: ReadGroup, executionId: string): boolean {
  return counted.some((execution) => execution.executionId === executionId);
}

/** Whether a counted execution no longer runs. An execution whose lock is pending is about to begin, until its invocation must have ended. */
function isOver({ fence, expires }: RunningExecution, lock: Lock | undefined, now: number): boolean {
  return lock ? (hasEnded(lock) || lock.status === 'failed') && lock.fence > fence : expires < now;
}
