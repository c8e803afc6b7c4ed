import type { Envelope } from './envelope';
import { asError } from './errors';
import { hasEnded, type Lock, type Ports, type RunningExecution } from './ports';
import { shardOf } from './shard';

/** Most executions that are counted together. More would make each change of their count dear, since all their names are in it. */
const GROUP_SIZE = 100;

/** How often an environment looks whether those that are counted still run, where there is no room, in milliseconds. */
const SWEEP_EVERY = 60_000;

/**
 * Sees to it that no more executions of a machine are under way than it may have.
 *
 * Counted are not numbers but names, so nothing can be counted twice, and what was forgotten can be found: who runs, the locks know.
 *
 *     worker A  ── enters x ── acquires x, step 0 ── … ── commits the end of x ── x leaves
 *     worker B  ── enters y: no room ── y waits in the retry queue
 *
 * Whoever dies after `enters` gets the envelope again, and x is counted still. Whoever dies before `leaves` gets his record again, finds
 * that the execution has ended, and lets it leave. Where that comes to nothing, or a client has cancelled the execution, whoever finds no
 * room looks at the locks of those that are counted, and lets those leave that run no more.
 *
 * An execution that has failed is not counted. When it is redriven, it enters again, as what it is then: by the fence with which it had
 * failed, so that whoever has seen it fail, and is late, does not let it leave.
 */
export class RunningLimits {
  private readonly sweptAt = new Map<string, number>();

  constructor(private readonly ports: Ports, private readonly limits: Readonly<Record<string, number>>) {}

  /**
   * Whether the execution of an envelope may go on. Only a start, and an envelope that was redriven, can have to wait.
   *
   * @param expires when the invocation must be dead, in milliseconds since the epoch
   * @throws when it is not known
   */
  public async admits(envelope: Envelope, expires: number): Promise<boolean> {
    const { executionId, machine, step, redriven } = envelope;
    const { running } = this.ports;
    const group = this.groupOf(machine, executionId);
    if (!running || !group || (step > 0 && redriven === undefined)) return true;
    const execution = { executionId, fence: redriven ?? 0, expires };
    const others = await running.enter(group.name, group.capacity, execution);
    if (!others) return true;
    // What comes twice is recognised by whoever acquires; it needs no room for that.
    const lock = await this.ports.locks.read(executionId);
    if (lock && lock.fence > execution.fence) return true;
    return await this.sweep(group.name, others) && !await running.enter(group.name, group.capacity, execution);
  }

  /** The execution has ended, or has failed, under that fence. Best effort: who finds no room looks again. */
  public async leave({ executionId, machine }: Pick<Envelope, 'executionId' | 'machine'>, fence: number): Promise<void> {
    const group = this.groupOf(machine, executionId);
    if (!group) return;
    try {
      await this.ports.running?.leave(group.name, executionId, fence);
    } catch (thrown) {
      this.ports.metrics.count('LockFailure', machine);
      this.ports.logger.warn(`An execution that has ended is still counted as one that runs: ${asError(thrown).message}`, { executionId });
    }
  }

  /** @returns whether there is room now */
  private async sweep(group: string, counted: readonly RunningExecution[]): Promise<boolean> {
    const now = this.ports.clock.now();
    if (now < (this.sweptAt.get(group) ?? Number.NEGATIVE_INFINITY) + SWEEP_EVERY) return false;
    this.sweptAt.set(group, now);
    const left = await Promise.allSettled(counted.map(async (execution) => {
      const lock = await this.ports.locks.read(execution.executionId);
      if (!isOver(execution, lock, now)) return false;
      // If it enters again meanwhile, that is later.
      const [fence, expires] = lock ? [lock.fence] : [execution.fence + 1, execution.expires];
      await this.ports.running?.leave(group, execution.executionId, fence, expires);
      return true;
    }));
    return left.some((result) => result.status === 'fulfilled' && result.value);
  }

  private groupOf(machine: string, executionId: string): { readonly name: string; readonly capacity: number } | undefined {
    const limit = Object.hasOwn(this.limits, machine) ? this.limits[machine] : undefined;
    if (limit === undefined) return undefined;
    const groups = Math.ceil(limit / GROUP_SIZE);
    const index = shardOf(executionId, groups);
    return { name: `running ${machine} ${index}`, capacity: Math.floor(limit / groups) + (index < limit % groups ? 1 : 0) };
  }
}

/** Whether an execution that is counted needs not be. One that has no lock is about to begin, until its invocation must be dead. */
function isOver({ fence, expires }: RunningExecution, lock: Lock | undefined, now: number): boolean {
  return lock ? (hasEnded(lock) || lock.status === 'failed') && lock.fence > fence : expires < now;
}
