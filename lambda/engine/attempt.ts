import { CATCH, stateOf, type Failure, type State, type Step, type Timeout } from '../machine';
import { fullJitter } from './backoff';
import { issueToken } from './callback';
import { assertFits, encodeEnvelope } from './codec';
import type { Definition } from './definitions';
import { ENVELOPE_VERSION, type Envelope } from './envelope';
import { asError, DeadlineError } from './errors';
import { failureOf, whereFrom } from './failure';
import { attemptOf, hasEnded, type Checkpoint, type Lease, type Outcome } from './ports';
import { runStep, type StepResult } from './run-step';
import type { Surroundings } from './surroundings';

/** Bytes of an envelope that are kept free for the data of the event that wakes a parked execution. */
export const MAIL_BYTES = 65_536;

/** After so many milliseconds Amazon ECS finds a task that was started, at the latest. */
const TASK_APPEARS = 10_000;

/** What is known of an attempt. */
export interface Held {
  readonly envelope: Envelope;
  readonly lease: Lease;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Where the trace of the execution goes on from this attempt, if it is traced. */
  readonly trace?: string;
}

/**
 * One attempt at a step, from the acquired lease on: it runs the actions, and brings what they came to into the world. A method that
 * throws leaves the delivery to its source.
 */
export class Attempt {
  /** An action has overrun its time, and may still be running. */
  private overrun = false;
  private failure?: Failure;

  constructor(private readonly around: Surroundings, private readonly held: Held) {}

  /** The state that the step leaves, or nothing at the start. */
  public get source(): string { return this.held.envelope.state ?? ''; }

  /** Class of the error with which the attempt has failed, if it has. */
  public get error(): string | undefined { return this.failure?.name; }

  /** Runs the step. */
  public async execute(plan: Step): Promise<Outcome> {
    const { envelope, lease } = this.held;
    const { definitions, actions, deadline } = this.around;
    const definition = definitions.of(envelope);
    if (!definition) throw new Error('A step was planned by a definition that is not there.');
    const logger = this.around.logger(envelope);
    const { clock } = this.around.ports;
    const began = clock.now();
    const callbackToken = () => issueToken(this.around.ports, envelope.executionId, envelope.step);
    const result = await runStep({ machine: definition.machine, plan, envelope, lease, actions, deadline, logger, callbackToken });
    this.around.measure('StepDuration', clock.now() - began, envelope, result.kind === 'failed' ? result.state : lastOf(result.states));
    try {
      switch (result.kind) {
        case 'next':
          return await this.dispatch(result, definition.hash);
        case 'parked':
          return await this.park(result, definition);
        case 'completed':
          return await this.complete(result, definition.hash);
        case 'failed':
          return await this.failed(result);
      }
    } catch (thrown) {
      if (!(thrown instanceof StepError)) throw thrown;
      return this.failed({ kind: 'failed', states: result.states, state: thrown.state, error: thrown.cause });
    }
  }

  private async dispatch(result: Extract<StepResult, { kind: 'next' }>, definition: string): Promise<Outcome> {
    const { envelope } = this.held;
    const next = this.successor({ state: lastOf(result.states), event: result.event, context: result.context, definition });
    const body = this.encode(next, this.around.outbox.maxEnvelopeBytes);
    const checkpoint = this.checkpoint({ outcome: 'dispatched', states: result.states, next: result.event, definition });
    return this.send(next, body, checkpoint, () => this.around.count('Transition', envelope, lastOf(result.states)));
  }

  /**
   * Sends the successor. From here on no action of this execution may run: whoever gets the successor goes on.
   *
   * A step that a mail has woken is committed before the mail is forgotten. Until then another envelope may still take its place, and
   * whoever makes that one must find the same mail. Were it forgotten at once:
   *
   *     worker   ── (s+1, mail 1) ── sends (s+2) ── forgets mail 1
   *     sender                                         ── finds mail 2 alone ── sends (s+1, mail 2): it replaces s+1, if s+2 is late
   */
  private async send(next: Envelope, body: string, checkpoint: Checkpoint, count: () => void): Promise<Outcome> {
    const { outbox, options } = this.around;
    const { envelope } = this.held;
    const delivered = await outbox.dispatch({ envelope: next, body, checkpoint });
    if (!delivered) {
      await this.release();
      throw new Error('Neither an event source nor a retry queue took the next envelope.');
    }
    if (!delivered.journaled) await this.recordOrCount({ ...checkpoint, place: delivered.place });
    count();
    const woken = envelope.mail !== undefined;
    const committed = (options.eagerCommit || woken) && await this.commitOrCount();
    if (woken && committed) await this.tidyMail(envelope);
    return 'acknowledge';
  }

  private async complete(result: Extract<StepResult, { kind: 'completed' }>, definition: string): Promise<Outcome> {
    const { envelope } = this.held;
    const state = lastOf(result.states);
    this.encode(this.successor({ state, event: 'end', context: result.context, definition }), this.around.outbox.maxEnvelopeBytes);
    const committed = await this.recordAndCommit(this.checkpoint({
      outcome: 'completed', states: result.states, context: result.context, definition,
    }), 'completed');
    if (!committed) return 'acknowledge';
    this.around.count('Transition', envelope, state);
    this.around.count('Completed', envelope, state);
    await this.tidyMail(envelope);
    // Also where no event has taken it on: one that its states do not handle may have come, or the secret of a token lie there.
    await this.around.forgetMailbox(envelope.executionId);
    return 'acknowledge';
  }

  private async park(result: Extract<StepResult, { kind: 'parked' }>, { machine, hash }: Definition): Promise<Outcome> {
    const { envelope } = this.held;
    const state = lastOf(result.states);
    const longest = this.successor({ state, event: 'wait', context: result.context, definition: hash });
    this.encode(longest, this.around.outbox.maxEnvelopeBytes - MAIL_BYTES);
    const { on = {}, timeout } = stateOf(machine, state) ?? {};
    const accepts = Object.keys(on);
    if (timeout) await this.scheduleTimeout(timeout, state, hash);
    const checkpoint = this.checkpoint({
      // A copy, which nothing changes that an action has left running: whoever wakes the execution must send the very same.
      outcome: 'parked', states: result.states, context: structuredClone(result.context), definition: hash, accepts, trace: this.held.trace,
    });
    const committed = await this.recordAndCommit(checkpoint, 'parked');
    if (!committed) return 'acknowledge';
    this.around.count('Transition', envelope, state);
    this.around.count('Parked', envelope, state);
    await this.tidyMail(envelope);
    await this.around.wakeParked(checkpoint);
    return 'acknowledge';
  }

  /**
   * The end of the wait is on its way before the wait begins: nobody else would send it. What comes of an attempt that does not get to its
   * commit is an orphan.
   */
  private async scheduleTimeout({ seconds, event }: Timeout, state: string, definition: string): Promise<void> {
    const { ports, outbox } = this.around;
    const expiry = this.endOfWait({ state, event, definition }, ports.clock.now() + seconds * 1_000);
    if (await outbox.schedule(expiry)) return;
    await this.release();
    throw new Error(`No retry queue that can hold an envelope back took the timeout of the state "${state}".`);
  }

  /** Ends what no successor will end: first the journal, so that whoever sees the status finds the context, then the lock. */
  private async recordAndCommit(checkpoint: Checkpoint, status: 'completed' | 'parked' | 'failed'): Promise<boolean> {
    const { outbox, ports } = this.around;
    try {
      await outbox.record(checkpoint);
      const committed = await ports.locks.commit(this.held.lease, status, ports.clock.now());
      if (!committed) {
        this.around.count('Orphan', this.held.envelope);
        await this.orCount(ports.journal.expire(checkpoint.executionId, checkpoint.step, checkpoint.fence));
        await this.orCount(this.tidyToken(checkpoint));
      } else if (status !== 'parked') {
        await this.around.limits.leave(this.held.envelope, this.held.lease.fence);
      }
      return committed;
    } catch (thrown) {
      await this.release();
      throw thrown;
    }
  }

  // ---- failure --------------------------------------------------------------------------------------------------------------

  private async failed(result: Extract<StepResult, { kind: 'failed' }>): Promise<Outcome> {
    const { envelope, lease } = this.held;
    const failure = failureOf(result.error, result.state, lease);
    this.failure = failure;
    this.around.count('Error', envelope, result.state);
    this.around.logger(envelope).error(`The step into state "${result.state}" failed with ${whereFrom(result.error)}. Its message is in the checkpoint table.`, { attempt: attemptOf(lease) });
    const machine = this.around.definitions.of(envelope)?.machine;
    const state = machine && stateOf(machine, result.state);
    if (!state) return this.failForGood(failure, result.states);
    // An action that overran its time may still be running: nobody goes on before its invocation must be dead.
    this.overrun = result.error instanceof DeadlineError;
    const notBefore = this.overrun ? lease.expires : undefined;
    if (envelope.attempt >= state.maxRetries) return this.exhausted(state, failure, result.states, notBefore);
    return this.retry(state, failure, result);
  }

  /** The original envelope once more, later. It is acknowledged only when it is stored. */
  private async retry(state: State, failure: Failure, result: Extract<StepResult, { kind: 'failed' }>): Promise<Outcome> {
    const { ports, outbox } = this.around;
    const { envelope, lease } = this.held;
    const due = ports.clock.now() + fullJitter(state.backoff, envelope.attempt, ports.random);
    await this.release();
    const pristine = this.pristine();
    const notBefore = this.overrun ? Math.max(due, lease.expires) : due;
    // Whether the execution is traced was decided at its first attempt, which may be this one.
    const trace = pristine.trace ?? this.held.trace;
    const delivered = await outbox.schedule({ ...pristine, attempt: envelope.attempt + 1, notBefore, trace });
    if (!delivered) throw new Error('No retry queue took the envelope of a failed step.');
    this.around.count('Retry', envelope, state.name);
    await this.recordOrCount({ ...this.checkpoint({ outcome: 'retrying', states: result.states, error: failure }), place: delivered.place });
    return 'acknowledge';
  }

  /**
   * No retry is left: the state's `catch` transition, or the end.
   *
   * @param notBefore milliseconds since the epoch before which the `catch` transition must not run
   */
  public async exhausted(state: State, failure: Failure, states: readonly string[], notBefore?: number): Promise<Outcome> {
    if (!state.catch) return this.failForGood(failure, states);
    this.failure = failure;
    const { context } = this.pristine();
    const definition = this.around.definitions.of(this.held.envelope)?.hash;
    const next = { ...this.successor({ state: state.name, event: CATCH, context, definition }), error: failure, notBefore };
    const checkpoint = this.checkpoint({ outcome: 'dispatched', states, next: CATCH, error: failure, definition });
    return this.send(next, this.encode(next), checkpoint, () => this.around.count('Caught', this.held.envelope, state.name));
  }

  /** The end: nobody will try again by itself. */
  public async failForGood(failure: Failure, states: readonly string[]): Promise<Outcome> {
    this.failure = failure;
    const { envelope, lease } = this.held;
    // Whoever redrives it must not run beside an action that overran its time.
    const failed = { ...this.pristine(), notBefore: this.overrun ? lease.expires : undefined };
    try {
      await this.around.bury(`${failure.name}: ${failure.message}`, envelope, `The step into state "${failure.state}" failed for good with ${failure.name}.`);
    } catch (thrown) {
      await this.release();
      throw thrown;
    }
    const committed = await this.recordAndCommit(this.checkpoint({ outcome: 'failed', states, error: failure, envelope: failed }), 'failed');
    if (committed) this.around.count('Fatal', envelope, failure.state);
    return 'acknowledge';
  }

  // ---- best effort: what these fail to do is found out and mended by whoever comes next ---------------------------------------------

  /** Gives the lease up, unless an action that overran its time may still be running: then it is kept until that must be dead. */
  private async release(): Promise<void> {
    if (!this.overrun) await this.around.release(this.held.lease);
  }

  private async recordOrCount(checkpoint: Checkpoint): Promise<void> {
    try {
      await this.around.outbox.record(checkpoint);
    } catch (thrown) {
      this.around.ports.metrics.count('CheckpointFailure', checkpoint.machine);
      this.around.ports.logger.warn(`A checkpoint was not written: ${asError(thrown).message}`, { executionId: checkpoint.executionId, step: checkpoint.step });
    }
  }

  private async commitOrCount(): Promise<boolean> {
    const { ports } = this.around;
    const { envelope, lease } = this.held;
    try {
      return await ports.locks.commit(lease, 'running', ports.clock.now());
    } catch (thrown) {
      this.around.count('LockFailure', envelope);
      this.around.logger(envelope).warn(`A step was not committed explicitly: ${asError(thrown).message}`);
      return false;
    }
  }

  /** The mail that woke this step, and the checkpoint of the park that it ended, are needed no more. */
  private async tidyMail({ executionId, mail, step, parent }: Envelope): Promise<void> {
    if (mail === undefined) return;
    const { mailbox, journal } = this.around.ports;
    await this.orCount(mailbox.remove(executionId, [mail]), journal.expire(executionId, step - 1, parent));
  }

  /**
   * Where the execution has ended beside this attempt, its mailbox was told to go before the secret of the token came into it; and the
   * task that has the token may be too new for Amazon ECS to find it when the cancellation looked for it.
   *
   *     attempt   ── runs the action …              … makes the secret, starts the task ── parks: refused
   *     cancel                          ── mailbox.expire
   */
  private async tidyToken({ executionId, outcome, states, definition }: Checkpoint): Promise<void> {
    const { ports: { locks, mailbox, clock, tasks }, outbox } = this.around;
    if (!hasEnded(await locks.read(executionId))) return;
    await mailbox.expire(executionId);
    if (!tasks || outcome !== 'parked') return;
    await outbox.schedule(this.endOfWait({ state: lastOf(states), event: 'end', definition }, clock.now() + TASK_APPEARS));
  }

  private async orCount(...tidying: readonly Promise<void>[]): Promise<void> {
    const results = await Promise.allSettled(tidying);
    if (results.some(({ status }) => status === 'rejected')) this.around.ports.metrics.count('CheckpointFailure');
  }

  // ---- making things ------------------------------------------------------------------------------------------------------------

  /** The envelope as it came: the actions may have half-changed the context of the decoded one. */
  private pristine(): Envelope {
    // The body was decoded and checked when the delivery came in.
    return JSON.parse(this.around.delivery.body) as Envelope;
  }

  private successor(next: Pick<Envelope, 'state' | 'event' | 'context' | 'definition'>): Envelope {
    const { envelope, lease } = this.held;
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
      trace: this.held.trace,
      sentAt: this.around.ports.clock.now(),
    };
  }

  /** What comes when the wait at the end of this attempt must be over. */
  private endOfWait(next: Pick<Envelope, 'state' | 'event' | 'definition'>, notBefore: number): Envelope {
    return { ...this.successor({ ...next, context: {} }), timeout: true, mailbox: undefined, notBefore };
  }

  private checkpoint(result: Pick<Checkpoint, 'outcome' | 'states'> & Partial<Checkpoint>): Checkpoint {
    const { envelope, lease, startedAt } = this.held;
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
}

/** The result of a step's actions cannot be carried on. */
class StepError extends Error {
  constructor(readonly state: string, override readonly cause: Error) {
    super(cause.message);
  }
}

function lastOf(states: readonly string[]): string {
  const last = states.at(-1);
  if (last === undefined) throw new Error('A step enters at least one state.');
  return last;
}
