import { CATCH, stateOf, transition, type Failure, type Logger, type State, type Step } from '../machine';
import { fullJitter } from './backoff';
import { assertFits, encodeEnvelope, type Decoded } from './codec';
import { ENVELOPE_VERSION, type Envelope } from './envelope';
import { asError, DeadlineError, InvocationDiedError, UnknownMachineError } from './errors';
import { judge } from './judge';
import type { Definition, EngineOptions } from './options';
import type { Outbox } from './outbox';
import { attemptOf, type AcquireRequest, type Checkpoint, type Delivery, type Invocation, type Lease, type Lock, type Outcome, type Ports } from './ports';
import { runStep, type ActionLookup, type Deadline, type StepResult } from './run-step';
import { wakeUp } from './wake';

/** Bytes of an envelope that are kept free for the data of the event that wakes a parked execution. */
export const MAIL_BYTES = 65_536;

/** An envelope may run this much before its time: clocks differ, and services round delays to seconds. */
const EARLY = 1_000;

/** The invocation, as a delivery sees it. */
export interface Surroundings {
  readonly ports: Ports;
  readonly definitions: ReadonlyMap<string, Definition>;
  readonly actions: ActionLookup;
  readonly options: Required<EngineOptions>;
  readonly outbox: Outbox;
  readonly deadline: Deadline;
  readonly invocation: Invocation;
}

/** What is known once a lease was acquired. */
interface Held {
  readonly envelope: Envelope;
  readonly lease: Lease;
  readonly startedAt: number;
}

/** One delivery on its way through the transition protocol. A method that throws leaves the delivery to its source. */
export class DeliveryProcess {
  constructor(private readonly around: Surroundings, private readonly delivery: Delivery) {}

  public async run(decoded: Decoded): Promise<Outcome> {
    if ('problems' in decoded) {
      await this.bury(`The message is no envelope: ${decoded.problems.join('; ')}.`);
      return 'acknowledge';
    }
    const { envelope } = decoded;
    const { ports: { clock }, deadline } = this.around;
    if (deadline.signal.aborted) return 'redeliver';
    const now = clock.now();
    if (envelope.notBefore !== undefined && envelope.notBefore > now + EARLY) return this.postpone(envelope, envelope.notBefore);
    if (envelope.step === 0 && envelope.sentAt < now - this.around.options.remembered) {
      await this.bury('The start is older than the time for which ended executions are remembered, so it may have run already.', envelope);
      return 'acknowledge';
    }
    return this.acquire(envelope, now);
  }

  // ---- acquire --------------------------------------------------------------------------------------------------------------

  private async acquire(envelope: Envelope, now: number): Promise<Outcome> {
    const { ports, invocation, options } = this.around;
    const plan = this.plan(envelope);
    const request: AcquireRequest = {
      executionId: envelope.executionId,
      machine: envelope.machine,
      step: envelope.step,
      parent: envelope.parent,
      state: plan instanceof Error ? envelope.state ?? '' : plan.target.name,
      holder: ports.random.id(),
      now,
      expires: invocation.deadline + options.clockSkew,
      place: this.delivery.place,
    };
    let answer: Awaited<ReturnType<Ports['locks']['acquire']>>;
    try {
      answer = await ports.locks.acquire(request);
    } catch (thrown) {
      this.count('LockFailure', envelope);
      this.logger(envelope).warn(`The lock store did not answer: ${asError(thrown).message}`);
      return this.giveBack(envelope);
    }
    if (!answer.acquired) return this.refused(envelope, request, answer.lock);
    const { fence, parent, released } = answer.lock;
    const lease: Lease = { executionId: envelope.executionId, step: envelope.step, parent, fence, holder: request.holder, expires: request.expires };
    const held: Held = { envelope, lease, startedAt: now };
    if (plan instanceof Error) return this.failForGood(held, failureOf(plan, envelope.state ?? '', lease), []);

    // Attempts that neither succeeded nor gave their lease up: their invocations died in the middle.
    const died = fence - Math.max(parent, released) - 1;
    if (died > plan.target.maxRetries) {
      const error = new InvocationDiedError(plan.target.name, died);
      return this.exhausted(held, plan.target, failureOf(error, plan.target.name, lease), []);
    }
    return this.execute(held, plan);
  }

  /** What the step is to do, or why the deployed definition cannot tell. */
  private plan(envelope: Envelope): Step | Error {
    const definition = this.around.definitions.get(envelope.machine);
    if (!definition) return new UnknownMachineError(envelope.machine, [...this.around.definitions.keys()]);
    try {
      return transition(definition.machine, envelope.state, envelope.event);
    } catch (thrown) {
      return asError(thrown);
    }
  }

  private async refused(envelope: Envelope, request: AcquireRequest, lock: Lock | undefined): Promise<Outcome> {
    const verdict = judge(request, lock);
    switch (verdict.kind) {
      case 'busy':
        this.count('Busy', envelope);
        // Not a copy in the retry queue if the source can keep it: whoever stores a copy and dies gets the original again, and stores another.
        return this.delivery.blocking ? this.postpone(envelope, verdict.until) : 'redeliver';
      case 'parked':
        this.count('Duplicate', envelope);
        return this.wake(envelope);
      case 'duplicate':
        this.count('Duplicate', envelope);
        return 'acknowledge';
      case 'orphan':
        this.count('Orphan', envelope);
        return 'acknowledge';
      case 'unknown':
        await this.bury(`The envelope belongs to no known execution: it is for ${verdict.reason}.`, envelope);
        return 'acknowledge';
    }
  }

  // ---- run, dispatch, record ------------------------------------------------------------------------------------------------

  private async execute(held: Held, plan: Step): Promise<Outcome> {
    const { envelope, lease } = held;
    const { definitions, actions, deadline } = this.around;
    const definition = definitions.get(envelope.machine);
    if (!definition) throw new UnknownMachineError(envelope.machine, [...definitions.keys()]);
    const result = await runStep({ machine: definition.machine, plan, envelope, lease, actions, deadline, logger: this.logger(envelope) });
    try {
      switch (result.kind) {
        case 'next':
          return await this.dispatch(held, result, definition.hash);
        case 'parked':
          return await this.park(held, result, definition);
        case 'completed':
          return await this.complete(held, result, definition.hash);
        case 'failed':
          return await this.failed(held, result);
      }
    } catch (thrown) {
      if (!(thrown instanceof StepError)) throw thrown;
      return this.failed(held, { kind: 'failed', states: result.states, state: thrown.state, error: thrown.cause });
    }
  }

  private async dispatch(held: Held, result: Extract<StepResult, { kind: 'next' }>, definition: string): Promise<Outcome> {
    const { envelope } = held;
    const next = this.successor(held, { state: lastOf(result.states), event: result.event, context: result.context, definition });
    const body = this.encode(next, this.around.outbox.maxEnvelopeBytes);
    return this.send(held, next, body, this.checkpoint(held, { outcome: 'dispatched', states: result.states, next: result.event, definition }), () => {
      this.count('Transition', envelope, lastOf(result.states));
      return this.tidyMail(envelope);
    });
  }

  /** Sends the successor. From here on no action of this execution may run: whoever gets the successor goes on. */
  private async send(held: Held, next: Envelope, body: string, checkpoint: Checkpoint, sent: () => Promise<void>): Promise<Outcome> {
    const { outbox, options } = this.around;
    const delivered = await outbox.dispatch({ envelope: next, body, checkpoint });
    if (!delivered) {
      await this.release(held.lease);
      throw new Error('Neither an event source nor a retry queue took the next envelope.');
    }
    if (!delivered.journaled) await this.recordOrCount({ ...checkpoint, place: delivered.place });
    if (options.eagerCommit) await this.commitOrCount(held);
    await sent();
    return 'acknowledge';
  }

  private async complete(held: Held, result: Extract<StepResult, { kind: 'completed' }>, definition: string): Promise<Outcome> {
    const { envelope } = held;
    const state = lastOf(result.states);
    this.encode(this.successor(held, { state, event: 'end', context: result.context, definition }), this.around.outbox.maxEnvelopeBytes);
    const committed = await this.recordAndCommit(held, this.checkpoint(held, {
      outcome: 'completed', states: result.states, context: result.context, definition,
    }), 'completed');
    if (!committed) return 'acknowledge';
    this.count('Transition', envelope, state);
    this.count('Completed', envelope, state);
    await this.tidyMail(envelope);
    if (envelope.mailbox) await this.orCount(this.around.ports.mailbox.expire(envelope.executionId));
    return 'acknowledge';
  }

  private async park(held: Held, result: Extract<StepResult, { kind: 'parked' }>, { machine, hash }: Definition): Promise<Outcome> {
    const { envelope } = held;
    const state = lastOf(result.states);
    this.encode(this.successor(held, { state, event: 'wait', context: result.context, definition: hash }), this.around.outbox.maxEnvelopeBytes - MAIL_BYTES);
    const accepts = Object.keys(stateOf(machine, state)?.on ?? {});
    const committed = await this.recordAndCommit(held, this.checkpoint(held, {
      outcome: 'parked', states: result.states, context: result.context, definition: hash, accepts,
    }), 'parked');
    if (!committed) return 'acknowledge';
    this.count('Transition', envelope, state);
    this.count('Parked', envelope, state);
    await this.tidyMail(envelope);
    return this.wake(envelope);
  }

  /** Wakes a parked execution if a mail waits for it. The delivery is not acknowledged before that has worked. */
  private async wake(envelope: Envelope): Promise<Outcome> {
    const { ports, outbox } = this.around;
    const lock = await ports.locks.read(envelope.executionId);
    const dispatch = lock && await wakeUp(ports, lock);
    if (dispatch && !await outbox.dispatch(dispatch)) throw new Error('Neither an event source nor a retry queue took the envelope that wakes an execution.');
    return 'acknowledge';
  }

  /** Ends what no successor will end: first the journal, so that whoever sees the status finds the context, then the lock. */
  private async recordAndCommit(held: Held, checkpoint: Checkpoint, status: 'completed' | 'parked' | 'failed'): Promise<boolean> {
    const { outbox, ports } = this.around;
    try {
      await outbox.record(checkpoint);
      const committed = await ports.locks.commit(held.lease, status, ports.clock.now());
      if (!committed) this.count('Orphan', held.envelope);
      return committed;
    } catch (thrown) {
      await this.release(held.lease);
      throw thrown;
    }
  }

  // ---- failure --------------------------------------------------------------------------------------------------------------

  private async failed(held: Held, result: Extract<StepResult, { kind: 'failed' }>): Promise<Outcome> {
    const { envelope, lease } = held;
    const failure = failureOf(result.error, result.state, lease);
    this.count('Error', envelope, result.state);
    this.logger(envelope).error(`The step into state "${result.state}" failed with ${whereFrom(result.error)}. Its message is in the checkpoint table.`, { attempt: attemptOf(lease) });
    const machine = this.around.definitions.get(envelope.machine)?.machine;
    const state = machine && stateOf(machine, result.state);
    if (!state) return this.failForGood(held, failure, result.states);
    if (envelope.attempt >= state.maxRetries) return this.exhausted(held, state, failure, result.states);
    return this.retry(held, state, failure, result);
  }

  /** The original envelope once more, later. It is acknowledged only when it is stored. */
  private async retry(held: Held, state: State, failure: Failure, result: Extract<StepResult, { kind: 'failed' }>): Promise<Outcome> {
    const { ports, outbox } = this.around;
    const { envelope, lease } = held;
    const due = ports.clock.now() + fullJitter(state.backoff, envelope.attempt, ports.random);
    // An action that overran its time may still be running: the lease is kept until it must be dead.
    const overrun = result.error instanceof DeadlineError;
    if (!overrun) await this.release(lease);
    const pristine = this.pristine();
    const delivered = await outbox.schedule({ ...pristine, attempt: envelope.attempt + 1, notBefore: overrun ? Math.max(due, lease.expires) : due });
    if (!delivered) throw new Error('No retry queue took the envelope of a failed step.');
    this.count('Retry', envelope, state.name);
    await this.recordOrCount({ ...this.checkpoint(held, { outcome: 'retrying', states: result.states, error: failure }), place: delivered.place });
    return 'acknowledge';
  }

  /** No retry is left: the state's `catch` transition, or the end. */
  private async exhausted(held: Held, state: State, failure: Failure, states: readonly string[]): Promise<Outcome> {
    if (!state.catch) return this.failForGood(held, failure, states);
    const { context, definition } = this.pristine();
    const next = { ...this.successor(held, { state: state.name, event: CATCH, context, definition }), error: failure };
    return this.send(held, next, this.encode(next), this.checkpoint(held, { outcome: 'dispatched', states, next: CATCH, error: failure, definition }), async () => {
      this.count('Caught', held.envelope, state.name);
    });
  }

  private async failForGood(held: Held, failure: Failure, states: readonly string[]): Promise<Outcome> {
    const { envelope } = held;
    const pristine = this.pristine();
    try {
      await this.bury(`${failure.name}: ${failure.message}`, envelope, `The step into state "${failure.state}" failed for good with ${failure.name}.`);
    } catch (thrown) {
      await this.release(held.lease);
      throw thrown;
    }
    const committed = await this.recordAndCommit(held, this.checkpoint(held, { outcome: 'failed', states, error: failure, envelope: pristine }), 'failed');
    if (committed) this.count('Fatal', envelope, failure.state);
    return 'acknowledge';
  }

  // ---- giving back ----------------------------------------------------------------------------------------------------------

  /** Brings the same attempt back at that time. */
  private async postpone(envelope: Envelope, notBefore: number): Promise<Outcome> {
    const delivered = await this.around.outbox.schedule({ ...envelope, notBefore });
    if (!delivered) throw new Error('No retry queue took an envelope that must wait.');
    return 'acknowledge';
  }

  /** Nothing is known and nothing was done. A source that would block everything behind the record gets it off its hands, if that is possible. */
  private async giveBack(envelope: Envelope): Promise<Outcome> {
    const { ports } = this.around;
    if (!this.delivery.blocking) {
      this.count('Redelivery', envelope);
      return 'redeliver';
    }
    return this.postpone(envelope, ports.clock.now() + EARLY + fullJitter({ baseSeconds: 10, capSeconds: 10 }, 0, ports.random));
  }

  /** @param logged what the log says of it, where the reason may hold payload */
  private async bury(reason: string, envelope?: Envelope, logged = reason): Promise<void> {
    const { ports } = this.around;
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

  // ---- best effort: what these fail to do is found out and mended by whoever comes next ------------------------------------------

  /** A lease that is not given up runs out by itself. */
  private async release(lease: Lease): Promise<void> {
    try {
      await this.around.ports.locks.release(lease);
    } catch (thrown) {
      this.around.ports.metrics.count('LockFailure');
      this.around.ports.logger.warn(`A lease could not be released: ${asError(thrown).message}`, { executionId: lease.executionId });
    }
  }

  private async recordOrCount(checkpoint: Checkpoint): Promise<void> {
    try {
      await this.around.outbox.record(checkpoint);
    } catch (thrown) {
      this.around.ports.metrics.count('CheckpointFailure', checkpoint.machine);
      this.around.ports.logger.warn(`A checkpoint was not written: ${asError(thrown).message}`, { executionId: checkpoint.executionId, step: checkpoint.step });
    }
  }

  private async commitOrCount({ envelope, lease }: Held): Promise<void> {
    const { ports } = this.around;
    try {
      await ports.locks.commit(lease, 'running', ports.clock.now());
    } catch (thrown) {
      this.count('LockFailure', envelope);
      this.logger(envelope).warn(`A step was not committed eagerly: ${asError(thrown).message}`);
    }
  }

  /** The mail that woke this step, and the checkpoint of the park that it ended, are needed no more. */
  private async tidyMail({ executionId, mail, step, parent }: Envelope): Promise<void> {
    if (mail === undefined) return;
    const { mailbox, journal } = this.around.ports;
    await this.orCount(mailbox.remove(executionId, [mail]), journal.expire(executionId, step - 1, parent));
  }

  private async orCount(...tidying: readonly Promise<void>[]): Promise<void> {
    const results = await Promise.allSettled(tidying);
    if (results.some(({ status }) => status === 'rejected')) this.around.ports.metrics.count('CheckpointFailure');
  }

  // ---- making things --------------------------------------------------------------------------------------------------------

  /** The envelope as it came: the actions may have half-changed the context of the decoded one. */
  private pristine(): Envelope {
    // The body was decoded and checked when the delivery came in.
    return JSON.parse(this.delivery.body) as Envelope;
  }

  private successor({ envelope, lease }: Held, next: Pick<Envelope, 'state' | 'event' | 'context' | 'definition'>): Envelope {
    return {
      version: ENVELOPE_VERSION,
      executionId: envelope.executionId,
      machine: envelope.machine,
      definition: next.definition,
      step: envelope.step + 1,
      parent: lease.fence,
      attempt: 0,
      state: next.state,
      event: next.event,
      context: next.context,
      mailbox: envelope.mailbox,
      sentAt: this.around.ports.clock.now(),
    };
  }

  private checkpoint({ envelope, lease, startedAt }: Held, result: Pick<Checkpoint, 'outcome' | 'states'> & Partial<Checkpoint>): Checkpoint {
    return {
      executionId: envelope.executionId,
      machine: envelope.machine,
      step: envelope.step,
      fence: lease.fence,
      parent: lease.parent,
      attempt: attemptOf(lease),
      source: envelope.state,
      event: envelope.event,
      startedAt,
      endedAt: this.around.ports.clock.now(),
      mailbox: envelope.mailbox,
      ...result,
    };
  }

  /** What an action has made of the context may be no JSON, or too much: then the step has failed. */
  private encode(envelope: Envelope, limit = Number.POSITIVE_INFINITY): string {
    const state = envelope.state ?? '';
    try {
      const body = encodeEnvelope(envelope);
      assertFits(body, limit, state);
      return body;
    } catch (thrown) {
      throw new StepError(state, asError(thrown));
    }
  }

  private count(name: Parameters<Ports['metrics']['count']>[0], envelope?: Envelope, state?: string): void {
    // Only names of the definition become dimensions, or a stranger's message could make up any number of metrics.
    const definition = envelope && this.around.definitions.get(envelope.machine);
    const entered = state ?? envelope?.state ?? undefined;
    const known = definition && entered !== undefined && stateOf(definition.machine, entered) ? entered : undefined;
    this.around.ports.metrics.count(name, definition?.machine.name, known);
  }

  private logger({ executionId, machine, step }: Envelope): Logger {
    const { logger } = this.around.ports;
    const ids = { executionId, machine, step };
    return {
      debug: (message, fields) => logger.debug(message, { ...ids, ...fields }),
      info: (message, fields) => logger.info(message, { ...ids, ...fields }),
      warn: (message, fields) => logger.warn(message, { ...ids, ...fields }),
      error: (message, fields) => logger.error(message, { ...ids, ...fields }),
    };
  }
}

/** The result of a step's actions cannot be carried on. */
class StepError extends Error {
  constructor(readonly state: string, override readonly cause: Error) {
    super(cause.message);
  }
}

function failureOf(error: Error, state: string, lease: Lease): Failure {
  return { name: error.name, message: error.message.slice(0, 1_000), state, attempts: attemptOf(lease) + 1 };
}

/** The error's class and the place that threw it, but not its message, which may hold payload. */
function whereFrom(error: Error): string {
  const frame = error.stack?.split('\n').find((line) => line.trimStart().startsWith('at '));
  return frame ? `${error.name} ${frame.trim()}` : error.name;
}

function lastOf(states: readonly string[]): string {
  const last = states.at(-1);
  if (last === undefined) throw new Error('A step enters at least one state.');
  return last;
}
