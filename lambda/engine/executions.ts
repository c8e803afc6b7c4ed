import { START, type Json, type JsonObject } from '../machine';
import { MAIL_BYTES } from './attempt';
import { Rendezvous } from './batcher';
import { callbackMailId, isGenuine, readToken } from './callback';
import { assertFits, encodeEnvelope, isExecutionId, isJsonObject, isName } from './codec';
import { describeExecution, type ExecutionDescription } from './describe';
import { ENVELOPE_VERSION, type Envelope } from './envelope';
import { asError, ExecutionEndedError, ExecutionNotFoundError, InvalidRequestError, InvalidTokenError, NotDispatchedError, NotFailedError } from './errors';
import { assertJson } from './json';
import { CircuitBreakers, maxEnvelopeBytes, Outbox } from './outbox';
import { attemptOf, hasEnded, type Checkpoint, type Dispatch, type ExecutionStatus, type Lock, type Ports } from './ports';
import { findEnvelope } from './resume';
import { wakeUp } from './wake';

/** What the journal has for the event of a cancellation. */
const CANCEL = '$cancel';

/** What to start. */
export interface StartRequest {
  /** Name of a machine of the workflow. */
  readonly machine: string;
  /**
   * Name of the execution: 1 to 128 printable ASCII characters without a space. The same name started twice runs once, as long as the ended
   * execution is remembered (30 days, unless the lock table says otherwise).
   *
   * @default a random UUID
   */
  readonly executionId?: string;
  /**
   * What the first action gets. Plain JSON.
   *
   * @default an empty object
   */
  readonly context?: JsonObject;
}

/** An execution that an event source has accepted. */
export interface StartedExecution {
  readonly executionId: string;
}

/** What became of a start among many. */
export type StartResult =
  | { readonly executionId: string; readonly started: true }
  | { readonly executionId: string; readonly started: false; readonly error: Error };

/** What goes with an event. */
export interface SendOptions {
  /**
   * Name of this event, unique in its execution: 1 to 256 characters that do not begin with `$`. The same id sent twice counts once, so a
   * send that failed can be repeated.
   *
   * @default a random UUID
   */
  readonly id?: string;
  /** What the actions of the transition find in `run.data`. Plain JSON, at most 60 KiB. */
  readonly data?: Json;
}

/** What became of an event: it has woken the execution, or waits in its mailbox for a state that handles it. */
export type SendResult = 'woken' | 'waiting';

/** What goes with the event of a callback token. */
export type CompleteOptions = Pick<SendOptions, 'data'>;

/** How a failed execution is taken up again. */
export interface RedriveOptions {
  /**
   * The execution goes on with the machine's current definition, whatever the machine's upgrade policy is: for one that was stopped since
   * the definition has changed.
   *
   * @default false - as the upgrade policy says
   */
  readonly moveToCurrent?: boolean;
}

/** What became of a callback token: its event is kept, or the execution does not wait for it any more. */
export type CompleteResult = 'accepted' | 'spent';

/** What one may ask of executions. The AWS client and the test kit are made of this. */
export class Executions {
  private readonly breakers: CircuitBreakers;

  /**
   * @param machines names of the machines that may be started
   * @param runTasks actions of the machines run tasks: an execution that is cancelled may have to stop one
   */
  constructor(private readonly ports: Ports, private readonly machines: readonly string[], private readonly runTasks = false) {
    this.breakers = new CircuitBreakers(ports.clock);
  }

  /**
   * Starts an execution. It is accepted, durably, when the promise resolves.
   *
   * @throws InvalidRequestError for an unknown machine or an executionId that no service can carry
   * @throws NotJsonError, EnvelopeTooLargeError for a context that cannot be carried
   * @throws NotDispatchedError when no event source took it; it may be repeated with the same executionId
   */
  public async start(request: StartRequest): Promise<StartedExecution> {
    const [result] = await this.startMany([request]);
    if (!result?.started) throw result?.error ?? new NotDispatchedError('The start');
    return { executionId: result.executionId };
  }

  /**
   * Starts many executions, in as few requests as the event source allows. One that fails does not keep the others from being started.
   *
   * @returns what became of each, in the order of the requests
   */
  public async startMany(requests: readonly StartRequest[]): Promise<readonly StartResult[]> {
    const rendezvous = new Rendezvous();
    const outbox = this.outbox(rendezvous);
    return Promise.all(requests.map((request) => rendezvous.work(async (): Promise<StartResult> => {
      const executionId = request.executionId ?? this.ports.random.id();
      try {
        const envelope = this.startEnvelope(request, executionId, requests.length === 1 ? this.ports.tracer?.current() : undefined);
        const body = encodeEnvelope(envelope);
        assertFits(body, maxEnvelopeBytes(this.ports), START);
        if (!await outbox.dispatch({ envelope, body })) throw new NotDispatchedError(`The start of execution "${executionId}"`);
        return { executionId, started: true };
      } catch (thrown) {
        return { executionId, started: false, error: asError(thrown) };
      }
    })));
  }

  /**
   * Sends an event to an execution. It is kept until the execution parks in a state that handles it, so it may come early, and by its id
   * it counts once however often it is sent.
   *
   * @throws InvalidRequestError for names that no event or id can have, or too much data
   * @throws NotJsonError for data that JSON cannot carry
   * @throws ExecutionEndedError when the execution has completed or was cancelled
   * @throws MailboxFullError when 500 events wait for the execution already, and none of its states has taken them
   * @throws NotDispatchedError when the event is kept but the parked execution could not be woken: send it again with the same id
   */
  public async send(executionId: string, event: string, options: SendOptions = {}): Promise<SendResult> {
    const id = options.id ?? this.ports.random.id();
    this.assertSendable(executionId, event, id, options.data);
    await this.ports.mailbox.put(executionId, { id, event, data: options.data });
    const lock = await this.ports.locks.read(executionId);
    if (hasEnded(lock)) {
      await this.ports.mailbox.expire(executionId);
      throw new ExecutionEndedError(executionId, lock.status);
    }
    return lock && await this.wake(lock, `The event "${event}" (id "${id}")`) ? 'woken' : 'waiting';
  }

  /**
   * Sends an execution the event that it waits for, on the strength of the callback token that it has handed out (`run.callbackToken()`).
   * Like any event it may come before the execution has parked, and may be sent twice. Of several events for one token, the first that the
   * state handles counts.
   *
   * @param token as it was handed out
   * @returns `spent` when the execution has gone on: the token was used already, or is not needed any more. Nothing has happened then
   * @throws InvalidTokenError when the token was not issued by this workflow
   * @throws InvalidRequestError for an event that the waiting state does not handle, or too much data
   * @throws NotJsonError for data that JSON cannot carry
   * @throws NotDispatchedError when the event is kept but the parked execution could not be woken: call again
   */
  public async complete(token: string, event: string, options: CompleteOptions = {}): Promise<CompleteResult> {
    const { locks, mailbox } = this.ports;
    const claim = readToken(token);
    const secret = claim && await mailbox.readSecret(claim.executionId);
    if (!claim || secret === undefined || !isGenuine(claim, secret)) throw new InvalidTokenError();
    const { executionId, step } = claim;
    const before = await locks.read(executionId);
    if (!before || before.step > step || hasEnded(before)) return 'spent';
    this.assertSendable(executionId, event, event, options.data);
    if (before.status === 'parked') await this.assertHandled(before, event);
    await mailbox.put(executionId, { id: callbackMailId(step, event), event, data: options.data, step });
    const lock = await locks.read(executionId);
    if (hasEnded(lock)) await mailbox.expire(executionId);
    else if (lock) await this.wake(lock, `The event "${event}" of the callback token`);
    return 'accepted';
  }

  /** How an execution stands and what it has done, or nothing when none of that name is known (yet). */
  public async describe(executionId: string): Promise<ExecutionDescription | undefined> {
    const lock = await this.ports.locks.read(executionId);
    if (!lock) return undefined;
    const [checkpoints, mails] = await Promise.all([this.ports.journal.history(executionId), this.ports.mailbox.list(executionId)]);
    return describeExecution(lock, checkpoints, mails);
  }

  /**
   * Ends an execution that has not completed. Nothing more of it is begun, whatever is on its way: envelopes, retries, events, timeouts. An
   * action that runs at this moment is not stopped, but its result counts for nothing. A task on Amazon ECS that the execution waits for is
   * stopped by the workflow, if possible. It may be repeated until it works.
   *
   * @returns how the execution stands then: `cancelled`, or `completed` if it has been faster
   * @throws ExecutionNotFoundError when there is no such execution, or its start has not been delivered yet
   */
  public async cancel(executionId: string): Promise<'cancelled' | 'completed'> {
    const { locks, journal, mailbox, clock } = this.ports;
    const lock = await locks.cancel(executionId, clock.now());
    if (!lock) throw new ExecutionNotFoundError(executionId);
    if (lock.status === 'completed') return 'completed';
    // The cancellation has taken the fence that follows that of the attempt which it ended.
    const ended = await journal.read(executionId, lock.step, lock.fence - 1);
    const [error] = await journal.write([cancellation(lock, ended)]);
    if (error) throw error;
    if (ended?.outcome === 'parked' || ended?.outcome === 'failed') await journal.expire(executionId, ended.step, ended.fence);
    await mailbox.expire(executionId);
    if (this.runTasks) await this.endWait(lock, ended);
    return 'cancelled';
  }

  /**
   * Sends the envelope of a failed execution again, with all its attempts before it. It may be repeated until it works.
   *
   * @throws ExecutionNotFoundError, NotFailedError when there is nothing to redrive
   * @throws NotDispatchedError when no event source took it: call again
   */
  public async redrive(executionId: string, { moveToCurrent = false }: RedriveOptions = {}): Promise<void> {
    const { locks, journal, clock } = this.ports;
    const lock = await locks.read(executionId);
    if (!lock) throw new ExecutionNotFoundError(executionId);
    // The failure that the lock tells of, or that was opened and not sent. A later one may be about to be committed: it must stay.
    const fence = lock.status === 'failed' ? lock.fence : lock.released;
    const failed = (await journal.history(executionId)).find((checkpoint) => (
      checkpoint.step === lock.step && checkpoint.fence === fence && checkpoint.outcome === 'failed'
    ));
    if (!failed?.envelope || (lock.status !== 'failed' && lock.status !== 'running')) throw new NotFailedError(executionId, lock.status);
    // First the lock: an envelope that arrived before it would be dropped as a duplicate. Whoever dies between the two may call again. It
    // is opened only for that very failure: a later one may have an envelope that must wait for an action that still runs.
    if (lock.status === 'failed' && !await locks.reopen(executionId, lock.fence, clock.now())) throw new NotFailedError(executionId, 'changing');
    const definition = moveToCurrent ? undefined : failed.envelope.definition;
    const envelope: Envelope = { ...failed.envelope, definition, attempt: 0, redriven: failed.fence, sentAt: clock.now() };
    await this.dispatch({ envelope, body: encodeEnvelope(envelope) }, `The envelope of execution "${executionId}"`);
    await journal.expire(executionId, failed.step, failed.fence);
  }

  /**
   * Sends the envelope again that a stalled execution waits for, read back from where its checkpoint says it was put: a stalled execution
   * goes on, and a healthy one is not disturbed. A parked execution is woken if an event waits for it.
   *
   * @returns `resumed`, or how the execution stands if there is nothing to resume: `running` under a lease that is valid, or its status
   * @throws ExecutionNotFoundError when there is no such execution
   * @throws NotResumableError when the envelope cannot be read back: a queue of Amazon SQS and a topic of Amazon SNS cannot be asked for it
   * @throws NotDispatchedError when no event source took it: call again
   */
  public async resume(executionId: string): Promise<'resumed' | ExecutionStatus> {
    const { locks, journal, clock } = this.ports;
    const lock = await locks.read(executionId);
    if (!lock) throw new ExecutionNotFoundError(executionId);
    if (lock.status === 'parked') return await this.wake(lock, 'A waiting event') ? 'resumed' : 'parked';
    if (lock.status !== 'running' || lock.expires > clock.now()) return lock.status;
    const found = await findEnvelope(this.ports, lock, await journal.history(executionId));
    await this.dispatch(found, `The envelope of execution "${executionId}"`);
    return 'resumed';
  }

  /** Wakes a parked execution if a mail waits for it. */
  private async wake(lock: Lock, what: string): Promise<boolean> {
    const dispatch = await wakeUp(this.ports, lock);
    if (!dispatch) return false;
    await this.dispatch(dispatch, `${what} is kept, but what wakes execution "${lock.executionId}"`);
    return true;
  }

  /**
   * Tells the workflow's function that a cancelled execution waits no more, by the envelope by which a timeout tells it. The function may
   * stop the task, which whoever cancels may not. Best effort: no envelope takes the execution on.
   */
  private async endWait({ executionId, machine, step, fence, state }: Lock, ended: Checkpoint | undefined): Promise<void> {
    const envelope: Envelope = {
      version: ENVELOPE_VERSION,
      executionId,
      machine,
      definition: ended?.definition,
      step: step + 1,
      parent: fence - 1,
      attempt: 0,
      state: ended?.states.at(-1) ?? state,
      event: CANCEL,
      context: {},
      timeout: true,
      sentAt: this.ports.clock.now(),
    };
    await this.wasDispatched({ envelope, body: encodeEnvelope(envelope) });
  }

  private async assertHandled({ executionId, step, fence }: Lock, event: string): Promise<void> {
    const accepts = (await this.ports.journal.read(executionId, step, fence))?.accepts ?? [];
    if (accepts.includes(event)) return;
    throw new InvalidRequestError(
      `Execution "${executionId}" does not wait for the event "${event.slice(0, 300)}", but for ${accepts.map((name) => `"${name}"`).join(' or ')}.`,
    );
  }

  private async dispatch(dispatch: Dispatch, what: string): Promise<void> {
    if (!await this.wasDispatched(dispatch)) throw new NotDispatchedError(what);
  }

  private async wasDispatched(dispatch: Dispatch): Promise<boolean> {
    const rendezvous = new Rendezvous();
    return await rendezvous.work(() => this.outbox(rendezvous).dispatch(dispatch)) !== undefined;
  }

  /** Of the event sources only: a sender needs no right to write to a retry queue. */
  private outbox(rendezvous: Rendezvous): Outbox {
    return new Outbox({ ...this.ports, retryQueues: [] }, rendezvous, 0, this.breakers);
  }

  /** @param trace absent for one among many, which are to be traces of their own */
  private startEnvelope(request: StartRequest, executionId: string, trace: string | undefined): Envelope {
    if (!this.machines.includes(request.machine)) {
      throw new InvalidRequestError(`This workflow has no machine "${request.machine}"; it has ${this.machines.map((name) => `"${name}"`).join(', ')}.`);
    }
    assertExecutionId(executionId);
    const { context = {} } = request;
    if (!isJsonObject(context)) {
      throw new InvalidRequestError(`The context of execution "${executionId}" is ${kindOf(context)}; expected an object, such as { order: 7 }.`);
    }
    return {
      version: ENVELOPE_VERSION,
      executionId,
      machine: request.machine,
      step: 0,
      parent: 0,
      attempt: 0,
      state: null,
      event: START,
      context,
      trace,
      sentAt: this.ports.clock.now(),
    };
  }

  private assertSendable(executionId: string, event: string, id: string, data: Json | undefined): void {
    assertExecutionId(executionId);
    if (!isName(event) || event.startsWith('$')) {
      throw new InvalidRequestError(`${shown(event)} can be no event: expected 1 to 256 characters that do not begin with "$".`);
    }
    if (!isName(id) || id.startsWith('$')) {
      throw new InvalidRequestError(`${shown(id)} can be no id of an event: expected 1 to 256 characters that do not begin with "$".`);
    }
    if (data === undefined) return;
    assertJson(data, 'data');
    const bytes = Buffer.byteLength(JSON.stringify(data));
    const limit = MAIL_BYTES - 4_096;
    if (bytes > limit) throw new InvalidRequestError(`The data of an event has at most ${limit} bytes as JSON; this has ${bytes}. Keep it elsewhere and send its key.`);
  }
}

/** What the journal keeps of an execution that was cancelled: where it stood, and its context if it was standing still. */
function cancellation(lock: Lock, ended: Checkpoint | undefined): Checkpoint {
  const { executionId, machine, step, fence, parent, updatedAt } = lock;
  return {
    executionId,
    machine,
    definition: ended?.definition,
    step,
    fence,
    parent,
    attempt: attemptOf(lock),
    outcome: 'cancelled',
    source: ended?.states.at(-1) ?? lock.state,
    event: CANCEL,
    states: [],
    startedAt: updatedAt,
    endedAt: updatedAt,
    context: ended?.context ?? ended?.envelope?.context,
  };
}

// What the compiler has not checked may be anything: a number that came as JSON, say. Accepted, it would become a dead letter.

function assertExecutionId(executionId: unknown): void {
  if (!isExecutionId(executionId)) {
    throw new InvalidRequestError(`${shown(executionId)} can be no executionId: expected 1 to 128 printable ASCII characters without a space.`);
  }
}

function shown(name: unknown): string {
  return typeof name === 'string' ? `"${name.slice(0, 200)}"` : `What is ${kindOf(name)}`;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'an array' : `of type ${typeof value}`;
}
