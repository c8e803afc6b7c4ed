import { stateOf, type Logger } from '../machine';
import type { Definitions } from './definitions';
import type { Envelope } from './envelope';
import { asError } from './errors';
import type { EngineOptions } from './options';
import type { Outbox } from './outbox';
import { hasEnded, type Checkpoint, type Delivery, type Dispatch, type Invocation, type Lease, type MeasureName, type MetricName, type Ports } from './ports';
import type { ActionLookup, Deadline } from './run-step';
import type { RunningLimits } from './running-limits';
import { wakeParked, wakeUp } from './wake';

/** What an invocation gives to each of its deliveries. */
export interface InvocationParts {
  readonly ports: Ports;
  readonly definitions: Definitions;
  readonly actions: ActionLookup;
  readonly options: Required<EngineOptions>;
  readonly limits: RunningLimits;
  readonly outbox: Outbox;
  readonly deadline: Deadline;
  readonly invocation: Invocation;
}

/** A delivery, and what it may use: the invocation's parts, and what is done to a delivery at whatever point of the protocol it is. */
export class Surroundings {
  constructor(private readonly parts: InvocationParts, public readonly delivery: Delivery) {}

  public get ports(): Ports { return this.parts.ports; }
  public get definitions(): Definitions { return this.parts.definitions; }
  public get actions(): ActionLookup { return this.parts.actions; }
  public get options(): Required<EngineOptions> { return this.parts.options; }
  public get limits(): RunningLimits { return this.parts.limits; }
  public get outbox(): Outbox { return this.parts.outbox; }
  public get deadline(): Deadline { return this.parts.deadline; }
  public get invocation(): Invocation { return this.parts.invocation; }

  /** Wakes a parked execution if a mail waits for it. The delivery is not acknowledged before that has worked. */
  public async wake(executionId: string): Promise<void> {
    const lock = await this.ports.locks.read(executionId);
    // What was put into the mailbox of an execution that has ended meanwhile, nobody would ever take.
    if (hasEnded(lock)) return this.ports.mailbox.expire(executionId);
    await this.sendWakeUp(lock && await wakeUp(this.ports, lock));
  }

  /** The same, for who has just parked it and knows its checkpoint. */
  public async wakeParked(checkpoint: Checkpoint): Promise<void> {
    await this.sendWakeUp(await wakeParked(this.ports, checkpoint));
  }

  private async sendWakeUp(dispatch: Dispatch | undefined): Promise<void> {
    if (dispatch && !await this.outbox.dispatch(dispatch)) {
      throw new Error('Neither an event source nor a retry queue took the envelope that wakes an execution.');
    }
  }

  /**
   * Puts the delivery aside as a dead letter, whole.
   *
   * @param logged what the log says of it, where the reason may hold payload
   */
  public async bury(reason: string, envelope?: Envelope, logged = reason): Promise<void> {
    const { ports } = this;
    await ports.deadLetters.put({
      reason,
      executionId: envelope?.executionId,
      machine: envelope?.machine,
      body: this.delivery.body,
      place: this.delivery.place,
      at: ports.clock.now(),
    });
    this.count('DeadLetter', envelope);
    ports.logger.error(`An envelope was put aside as a dead letter. ${logged}`, { record: this.delivery.id, executionId: envelope?.executionId });
  }

  /** An execution has ended, and needs its mailbox no more. Best effort: whoever finds the execution ended does it again. */
  public async forgetMailbox(executionId: string): Promise<void> {
    try {
      await this.ports.mailbox.expire(executionId);
    } catch (thrown) {
      this.ports.metrics.count('CheckpointFailure');
      this.ports.logger.warn(`A mailbox could not be forgotten: ${asError(thrown).message}`, { executionId });
    }
  }

  /**
   * An attempt has died, perhaps after it had written that the execution was parked or had failed, and before it could commit that. Nobody
   * else would let go what it has written. Best effort: it does no harm.
   */
  public async forgetAttempt({ executionId, step, fence }: Lease): Promise<void> {
    try {
      await this.ports.journal.expire(executionId, step, fence);
    } catch (thrown) {
      this.ports.metrics.count('CheckpointFailure');
      this.ports.logger.warn(`What an attempt that died has written could not be forgotten: ${asError(thrown).message}`, { executionId, step });
    }
  }

  /**
   * The wait that the step before this envelope's has begun is over, so nobody needs the task that it has started. Best effort: a task that
   * is not stopped ends by itself.
   */
  public async stopTask(envelope: Envelope): Promise<void> {
    const { tasks } = this.ports;
    const machine = this.definitions.of(envelope)?.machine;
    const action = machine && envelope.state !== null ? stateOf(machine, envelope.state)?.do : undefined;
    if (!tasks || action === undefined) return;
    try {
      await tasks.stop(action, envelope.executionId, envelope.step - 1, this.deadline.signal);
    } catch (thrown) {
      this.logger(envelope).warn(`A task that nobody waits for could not be stopped: ${asError(thrown).message}`);
    }
  }

  /** Best effort: a lease that is not given up runs out by itself. */
  public async release(lease: Lease): Promise<void> {
    try {
      await this.ports.locks.release(lease);
    } catch (thrown) {
      this.ports.metrics.count('LockFailure');
      this.ports.logger.warn(`A lease could not be released: ${asError(thrown).message}`, { executionId: lease.executionId });
    }
  }

  /** Counts, by machine and state. */
  public count(name: MetricName, envelope?: Envelope, state?: string): void {
    this.ports.metrics.count(name, envelope?.machine, state ?? envelope?.state ?? undefined);
  }

  /** Measures, by machine and state. */
  public measure(name: MeasureName, milliseconds: number, envelope: Envelope, state: string): void {
    this.ports.metrics.measure(name, milliseconds, envelope.machine, state);
  }

  /** The log, with the ids of the execution in each line. */
  public logger({ executionId, machine, step }: Envelope): Logger {
    const { logger } = this.ports;
    // The name of a machine that is not known is whatever its sender liked.
    const ids = { executionId, machine: this.definitions.current(machine)?.name, step };
    return {
      debug: (message, fields) => logger.debug(message, { ...ids, ...fields }),
      info: (message, fields) => logger.info(message, { ...ids, ...fields }),
      warn: (message, fields) => logger.warn(message, { ...ids, ...fields }),
      error: (message, fields) => logger.error(message, { ...ids, ...fields }),
    };
  }
}
