import {
  decodeEnvelope,
  type AcquireRequest,
  type Checkpoint,
  type CheckpointOutcome,
  type Clock,
  type Delivery,
  type Dispatch,
  type Envelope,
  type Journal,
  type Lock,
  type LockStore,
  type Place,
  type Transport,
} from '../engine';
import type { Failure, Json, JsonObject, Run } from '../machine';
import type { SharedServices } from './intercepted-ports';

/** One call of an action. */
export interface RecordedAction {
  /** Name of the action. */
  readonly name: string;
  /** The state that it ran for: the one being left for an exit action, the one being entered for the others. */
  readonly state: string;
  /** The event that was handled. */
  readonly event: string;
  /** The same for every attempt at this action in this step. */
  readonly idempotencyKey: string;
  readonly startedAt: Date;
  /** Absent while it has not ended, and for ever when its invocation died. */
  readonly endedAt?: Date;
  /** The event that it returned. */
  readonly returned?: string;
  /** What it threw. */
  readonly error?: unknown;
}

/** One attempt at a step. */
export interface RecordedAttempt {
  /** How many attempts there were before: 0, 1, 2 … */
  readonly attempt: number;
  /** Its fence token, larger than that of every attempt before. */
  readonly fence: number;
  readonly startedAt: Date;
  readonly endedAt?: Date;
  /** What it came to; `unfinished` when it is under way, or its invocation died. */
  readonly outcome: CheckpointOutcome | 'unfinished';
  /** The states that it entered: one, and one more for each local transition that followed. */
  readonly states: readonly string[];
  /** The actions that it called, in order. */
  readonly actions: readonly RecordedAction[];
  /** The context as the first action got it. */
  readonly contextBefore: JsonObject;
  /** The context as the actions left it, unless the attempt failed. */
  readonly contextAfter?: JsonObject;
  /** The event that takes the execution on. */
  readonly next?: string;
  /** Why it failed. */
  readonly error?: Failure;
  /** Where the envelope came from that it ran. */
  readonly place?: Place;
}

/** One step of an execution: a transition, and what local transitions followed. */
export interface RecordedStep {
  /** 0, 1, 2 … */
  readonly step: number;
  /** The state that was left, `null` at the start. */
  readonly source: string | null;
  /** The event that was handled. */
  readonly event: string;
  /** What the sender of the event attached to it. */
  readonly data?: Json;
  /** All attempts, in order. The last one is that which the execution went on from, if it went on. */
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

/** Sees what takes effect on the services and what the actions do, and tells it execution by execution. It takes part in nothing. */
export class Recorder {
  private readonly attempts = new Map<string, AttemptInProgress>();
  private readonly starts = new Map<string, Envelope>();
  private readonly delivered = new Map<string, Envelope>();

  constructor(private readonly clock: Clock) {}

  /** The envelopes that started executions, in the order in which they were accepted. */
  public get started(): readonly Envelope[] {
    return [...this.starts.values()];
  }

  /** The steps of an execution, in order. */
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

  /** The services, seen through this recorder. */
  public watch(services: SharedServices): SharedServices {
    return {
      ...services,
      eventSources: services.eventSources.map((transport) => this.watchTransport(transport)),
      retryQueues: services.retryQueues.map((transport) => this.watchTransport(transport)),
      locks: this.watchLocks(services.locks),
      journal: this.watchJournal(services.journal),
    };
  }

  /** Sees what an invocation was called with. */
  public deliver(deliveries: readonly Delivery[]): void {
    for (const { body, place } of deliveries) {
      const decoded = decodeEnvelope(body);
      if ('envelope' in decoded) {
        this.delivered.set(JSON.stringify(place), decoded.envelope);
      }
    }
  }

  /** Sees a call of an action. */
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
    const { name, maxBatchEntries, maxBatchBytes, maxBodyBytes, longestDelay } = transport;
    return {
      name,
      maxBatchEntries,
      maxBatchBytes,
      maxBodyBytes,
      longestDelay,
      send: async (dispatches) => {
        const answers = await transport.send(dispatches);
        dispatches.filter((_, index) => answers[index]?.ok).forEach((dispatch) => this.send(dispatch));
        return answers;
      },
      ...transport.readBack && { readBack: async (executionId, place) => transport.readBack?.(executionId, place) },
    };
  }

  private watchLocks(locks: LockStore): LockStore {
    return {
      acquire: async (request) => {
        const answer = await locks.acquire(request);
        if (answer.acquired) {
          this.acquire(request, answer.lock);
        }
        return answer;
      },
      release: (lease) => locks.release(lease),
      commit: (lease, status, now) => locks.commit(lease, status, now),
      read: (executionId) => locks.read(executionId),
      reopen: (executionId, fence, now) => locks.reopen(executionId, fence, now),
      cancel: (executionId, now) => locks.cancel(executionId, now),
      install: (lock, below) => locks.install(lock, below),
    };
  }

  private watchJournal(journal: Journal): Journal {
    return {
      maxBatchEntries: journal.maxBatchEntries,
      maxEntryBytes: journal.maxEntryBytes,
      write: async (checkpoints) => {
        const errors = await journal.write(checkpoints);
        checkpoints.filter((_, index) => !errors[index]).forEach((checkpoint) => this.record(checkpoint));
        return errors;
      },
      read: (executionId, step, fence) => journal.read(executionId, step, fence),
      history: (executionId) => journal.history(executionId),
      expire: (executionId, step, fence) => journal.expire(executionId, step, fence),
    };
  }

  private send({ envelope, checkpoint }: Dispatch): void {
    if (envelope.step === 0 && !this.starts.has(envelope.executionId)) {
      this.starts.set(envelope.executionId, copy(envelope));
    }
    if (checkpoint) {
      this.record({ ...checkpoint, context: checkpoint.error ? undefined : envelope.context });
    }
  }

  private acquire({ place }: AcquireRequest, { executionId, step, fence, parent }: Lock): void {
    const envelope = place && this.delivered.get(JSON.stringify(place));
    if (!envelope || this.attempts.has(keyOf({ executionId, step, fence }))) {
      return;
    }
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
      states: [],
      actions: [],
      contextBefore: envelope.context,
      place,
    });
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

function keyOf({ executionId, step, fence }: { readonly executionId: string; readonly step: number; readonly fence: number }): string {
  return `${step}/${fence}/${executionId}`;
}

/** What is recorded must not change when an action changes its context. */
function copy<T>(json: T): T {
  return structuredClone(json);
}
