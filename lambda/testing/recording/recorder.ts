import {
  decodeEnvelope,
  type AcquireRequest,
  type Checkpoint,
  type CheckpointOutcome,
  type Clock,
  type Delivery,
  type OutgoingEnvelope,
  type Envelope,
  type Journal,
  type Lock,
  type LockStore,
  type Mail,
  type Mailbox,
  type Place,
  type Transport,
} from '../../engine';
import type { Failure, Json, JsonObject, Run } from '../../machine';
import type { SharedServices } from '../faults/intercepted-ports';
import { wrapPort } from '../services/wrap-port';

/** A recorded call of an action. */
export interface RecordedAction {
  /** The name of the action. */
  readonly name: string;
  /** The state that the action ran for: the source state for an exit action, the target state for all others. */
  readonly state: string;
  /** The handled event. */
  readonly event: string;
  /** The idempotency key: the same for every attempt of this action in this step. */
  readonly idempotencyKey: string;
  readonly startedAt: Date;
  /** The end of the call; `undefined` while it runs, or if its invocation crashed. */
  readonly endedAt?: Date;
  /** The returned event. */
  readonly returned?: string;
  /** The thrown error. */
  readonly error?: unknown;
}

/** A recorded attempt of a step. */
export interface RecordedAttempt {
  /** The number of earlier attempts: 0, 1, 2 … */
  readonly attempt: number;
  /** The fence token, larger than the tokens of all earlier attempts. */
  readonly fence: number;
  readonly startedAt: Date;
  readonly endedAt?: Date;
  /** The outcome; `unfinished` while the attempt runs, or if its invocation crashed. */
  readonly outcome: CheckpointOutcome | 'unfinished';
  /** The state that the transition leads to. */
  readonly target: string;
  /** The states entered: one, plus one for each local transition. */
  readonly states: readonly string[];
  /** The called actions, in order. */
  readonly actions: readonly RecordedAction[];
  /** The context before the first action. */
  readonly contextBefore: JsonObject;
  /** The context after the last action; `undefined` if the attempt failed. */
  readonly contextAfter?: JsonObject;
  /** The event of the next transition. */
  readonly next?: string;
  /** The error of a failed attempt. */
  readonly error?: Failure;
  /** The location of the envelope that started the attempt. */
  readonly place?: Place;
}

/** A recorded step of an execution: a transition, and the local transitions that followed it. */
export interface RecordedStep {
  /** The number of the step: 0, 1, 2 … */
  readonly step: number;
  /** The source state; `null` for the start. */
  readonly source: string | null;
  /** The handled event. */
  readonly event: string;
  /** The data of the event. */
  readonly data?: Json;
  /** All attempts, in order. If the execution continued, it continued from the last one. */
  readonly attempts: readonly RecordedAttempt[];
}

type Writable<T> = { -readonly [P in keyof T]: T[P] };
type AttemptInProgress = Omit<Writable<RecordedAttempt>, 'actions'> & {
  readonly executionId: string;
  readonly step: number;
  readonly source: string | null;
  readonly event: string;
  readonly data?: Json;
  readonly actions: Writable<RecordedAction>[];
};

/** Records the effects on the services and the calls of actions, by execution. It observes only, and changes nothing. */
export class Recorder {
  private readonly attempts = new Map<string, AttemptInProgress>();
  private readonly starts = new Map<string, Envelope>();
  private readonly delivered = new Map<string, Envelope>();
  private readonly mails = new Map<string, Mail>();

  constructor(private readonly clock: Clock) {}

  /** The start envelopes of all accepted executions, in order. */
  public get started(): readonly Envelope[] {
    return [...this.starts.values()];
  }

  /** Returns the steps of an execution, in order. */
  public stepsOf(executionId: string): readonly RecordedStep[] {
    const steps = new Map<number, { source: string | null; event: string; data?: Json; attempts: RecordedAttempt[] }>();
    for (const { executionId: owner, step, source, event, data, ...attempt } of this.attempts.values()) {
      if (owner === executionId) {
        const recorded = steps.get(step) ?? { source, event, data, attempts: [] };
        recorded.attempts.push(attempt);
        steps.set(step, recorded);
      }
    }
    return [...steps].sort(([a], [b]) => a - b).map(([step, recorded]) => ({ step, ...recorded }));
  }

  /** Returns the same services, observed by this recorder. */
  public watch(services: SharedServices): SharedServices {
    return {
      ...services,
      eventSources: services.eventSources.map((transport) => this.watchTransport(transport)),
      retryQueues: services.retryQueues.map((transport) => this.watchTransport(transport)),
      locks: this.watchLocks(services.locks),
      mailbox: this.watchMailbox(services.mailbox),
      journal: this.watchJournal(services.journal),
    };
  }

  /** Records the deliveries of an invocation. */
  public deliver(deliveries: readonly Delivery[]): void {
    for (const { body, place } of deliveries) {
      const decoded = decodeEnvelope(body);
      if ('envelope' in decoded) {
        this.delivered.set(JSON.stringify(place), decoded.envelope);
      }
    }
  }

  /** Runs an action, and records the call. */
  public async act<T>(name: string, run: Run, action: () => Promise<T> | T): Promise<T> {
    const { state, event, idempotencyKey } = run;
    const call: Writable<RecordedAction> = { name, state, event, idempotencyKey, startedAt: this.now() };
    this.attempts.get(keyOf(run))?.actions.push(call);
    try {
      const returned = await action();
      call.returned = typeof returned === 'string' ? returned : undefined;
      return returned;
    } catch (error) {
      call.error = error;
      throw error;
    } finally {
      call.endedAt = this.now();
    }
  }

  private watchTransport(transport: Transport): Transport {
    return wrapPort(transport, {
      send: async (envelopes) => {
        const answers = await transport.send(envelopes);
        envelopes.filter((_, index) => answers[index]?.ok).forEach((outgoing) => this.send(outgoing));
        return answers;
      },
    });
  }

  private watchLocks(locks: LockStore): LockStore {
    return wrapPort(locks, {
      acquire: async (request) => {
        const answer = await locks.acquire(request);
        if (answer.acquired) {
          this.acquire(request, answer.lock);
        }
        return answer;
      },
    });
  }

  private watchMailbox(mailbox: Mailbox): Mailbox {
    return wrapPort(mailbox, {
      read: async (executionId, key) => {
        const mail = await mailbox.read(executionId, key);
        if (mail) this.mails.set(`${key}/${executionId}`, mail);
        return mail;
      },
    });
  }

  private watchJournal(journal: Journal): Journal {
    return wrapPort(journal, {
      write: async (checkpoints) => {
        const errors = await journal.write(checkpoints);
        checkpoints.filter((_, index) => !errors[index]).forEach((checkpoint) => this.record(checkpoint));
        return errors;
      },
    });
  }

  private send({ envelope, checkpoint }: OutgoingEnvelope): void {
    if (envelope.step === 0 && !this.starts.has(envelope.executionId)) {
      this.starts.set(envelope.executionId, copy(envelope));
    }
    if (checkpoint) {
      this.record({ ...checkpoint, context: checkpoint.error ? undefined : envelope.context });
    }
  }

  private acquire({ mail, place, state }: AcquireRequest, { executionId, step, fence, parent }: Lock): void {
    const delivered = place && this.delivered.get(JSON.stringify(place));
    if (!delivered || this.attempts.has(keyOf({ executionId, step, fence }))) {
      return;
    }
    const envelope = delivered.wakes || delivered.timeout ? this.woken(delivered, mail) : delivered;
    this.attempts.set(keyOf({ executionId, step, fence }), {
      executionId,
      step,
      source: envelope.state,
      event: envelope.event,
      data: envelope.data,
      attempt: fence - parent - 1,
      fence,
      startedAt: this.now(),
      outcome: 'unfinished',
      target: state,
      states: [],
      actions: [],
      contextBefore: envelope.context,
      place,
    });
  }

  /** The envelope of the step that a wake-up or a timeout drives: it carries neither the taken mail nor the context. */
  private woken(wakeUp: Envelope, key: string | undefined): Envelope {
    const { executionId, step, parent, state, event, context } = wakeUp;
    const mail = this.mails.get(`${key}/${executionId}`);
    const parked = this.attempts.get(keyOf({ executionId, step: step - 1, fence: parent }));
    return {
      ...wakeUp,
      state: parked?.states.at(-1) ?? state,
      event: mail?.event ?? event,
      data: mail?.data,
      context: parked?.contextAfter ?? context,
    };
  }

  private record(checkpoint: Checkpoint): void {
    const attempt = this.attempts.get(keyOf(checkpoint));
    if (attempt) {
      const { outcome, states, next, error, context, endedAt } = checkpoint;
      attempt.outcome = outcome;
      attempt.states = states;
      attempt.next = next;
      attempt.error = error;
      attempt.contextAfter = context ? copy(context) : attempt.contextAfter;
      attempt.endedAt = new Date(endedAt);
    }
  }

  private now(): Date {
    return new Date(this.clock.now());
  }
}

function keyOf({ executionId, step, fence }: Pick<Lock, 'executionId' | 'step' | 'fence'>): string {
  return `${step}/${fence}/${executionId}`;
}

/** Records must not change when an action modifies its context. */
function copy<T>(json: T): T {
  return structuredClone(json);
}
