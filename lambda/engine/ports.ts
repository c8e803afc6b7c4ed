import type { Failure, Json, JsonObject, Logger } from '../machine';
import type { Envelope, MailboxPosition } from './envelope';

/**
 * The ports of the engine: all that it needs from the outside world. `lambda/aws` implements them with AWS services,
 * `lambda/testing` in memory. A method that rejects has an unknown outcome: it may or may not have taken effect.
 */
export interface Ports {
  /** Where the next envelope goes, in order of preference: the primary event source, then the failover. */
  readonly eventSources: readonly Transport[];
  /** Where a failed step waits for its next attempt, in order of preference. */
  readonly retryQueues: readonly Transport[];
  readonly locks: LockStore;
  /** Absent when no machine has a limit of running executions. */
  readonly running?: RunningExecutions;
  readonly journal: Journal;
  readonly mailbox: Mailbox;
  /** Absent when no action runs a task. */
  readonly tasks?: Tasks;
  readonly deadLetters: DeadLetterStore;
  readonly metrics: Metrics;
  /** Absent when no execution is to be traced. */
  readonly tracer?: Tracer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Where a message lies: enough to find it, and on a stream to read it again. */
export interface Place {
  readonly service: string;
  /** Name or URL of the queue, stream, topic or table. */
  readonly resource: string;
  /** Message id, or the key of the item in a table. */
  readonly messageId?: string;
  readonly shard?: string;
  readonly sequenceNumber?: string;
}

/** One envelope on its way out. */
export interface Dispatch {
  readonly envelope: Envelope;
  /** The envelope as text, encoded once for every transport that may be tried. */
  readonly body: string;
  /** The journal entry of the step that sends it; absent for a start, a wake-up and a retry. */
  readonly checkpoint?: Checkpoint;
}

/** What became of one dispatch of a batch. */
export type Sent =
  | { readonly ok: true; readonly place: Place; /** The transport has written the checkpoint, too. */ readonly journaled: boolean }
  | { readonly ok: false; readonly error: Error };

/** An event source or a retry queue, seen from the sender. */
export interface Transport {
  /** For messages and metrics, for example `sqs`. */
  readonly name: string;
  /** Most entries that one `send` takes. */
  readonly maxBatchEntries: number;
  /** Most bytes of the bodies of one `send` together. */
  readonly maxBatchBytes: number;
  /** Most bytes (UTF-8) of one body. */
  readonly maxBodyBytes: number;
  /** The longest that it can hold an envelope back until its `notBefore`, in milliseconds; 0 when it cannot. */
  readonly longestDelay: number;
  /** Answers entry by entry, in order. Rejects only when nothing is known of any of them. */
  send(dispatches: readonly Dispatch[]): Promise<readonly Sent[]>;
  /**
   * Reads an envelope again that lies, or lay, at that place; `undefined` when it is not there any more. Absent where the service cannot do
   * that: a queue shows a message only to whom it delivers it.
   */
  readBack?(executionId: string, place: Place): Promise<string | undefined>;
}

/** An envelope that waits in a store that does not deliver by itself. */
export interface Due {
  /** By which the store knows it again. */
  readonly key: string;
  readonly body: string;
  /** Milliseconds since the epoch at which it is due. */
  readonly at: number;
}

/** A retry queue that a timer must ask what is due: a table. */
export interface DueStore {
  /** What is due by then, earliest first within each page; pages may overlap in time. */
  due(until: number): AsyncIterable<readonly Due[]>;
  /** Forgets what was sent on, unless it was stored again meanwhile. What could not be removed is due again. */
  remove(due: readonly Due[]): Promise<void>;
}

/** How an execution stands. All but `running` are set by an explicit commit. */
export type ExecutionStatus = 'running' | 'parked' | 'completed' | 'failed' | 'cancelled';

/** The lock item of an execution: one small item, the only thing that decides who may go on. */
export interface Lock {
  readonly executionId: string;
  readonly machine: string;
  /** The step that was acquired last. */
  readonly step: number;
  /** Fence token of that acquisition: grows by one with each. */
  readonly fence: number;
  /** Fence token of the attempt that sent the envelope of `step`. */
  readonly parent: number;
  /** Random name of the acquisition, by which a holder knows its own write again when the answer was lost. */
  readonly holder: string;
  /** Milliseconds since the epoch until which the lease is valid; 0 when it was released. */
  readonly expires: number;
  /** Fence token of the last attempt that gave its lease up in good order. */
  readonly released: number;
  /** The step needs no other attempt. */
  readonly done: boolean;
  readonly status: ExecutionStatus;
  /** The state that the step enters. */
  readonly state: string;
  /** Where the envelope of the step came from. */
  readonly place?: Place;
  /** Milliseconds since the epoch of the first and of the latest acquisition or commit. */
  readonly startedAt: number;
  readonly updatedAt: number;
}

/** Whether nothing more will ever be done for the execution. */
export function hasEnded<Known extends Pick<Lock, 'status'>>(
  lock: Known | undefined,
): lock is Known & { readonly status: 'completed' | 'cancelled' } {
  return lock?.status === 'completed' || lock?.status === 'cancelled';
}

export interface AcquireRequest {
  readonly executionId: string;
  readonly machine: string;
  readonly step: number;
  readonly parent: number;
  readonly state: string;
  readonly holder: string;
  readonly now: number;
  readonly expires: number;
  readonly place?: Place;
}

/** The lock as it is now, or the one that stood in the way, if there is one. */
export type Acquisition =
  | { readonly acquired: true; readonly lock: Lock }
  | { readonly acquired: false; readonly lock?: Lock };

/** The right to run one step of one execution, until it expires. */
export interface Lease {
  readonly executionId: string;
  readonly step: number;
  readonly parent: number;
  readonly fence: number;
  readonly expires: number;
}

/**
 * How far the fence jumps where a second lock store takes an execution over: more than all attempts at a step, of which the first store may
 * have seen some that the second knows nothing of.
 */
export const FENCE_STRIDE = 2 ** 32;

/**
 * How often the step was acquired before: whoever acquires a step first gets the fence that follows its parent, and each further
 * attempt the next one. It counts the attempts whose invocation died, too.
 */
export function attemptOf({ fence, parent }: Pick<Lease, 'fence' | 'parent'>): number {
  return (fence - parent - 1) % FENCE_STRIDE;
}

/**
 * Holds one {@link Lock} an execution. Each method is ONE atomic operation of the store.
 *
 * `acquire` succeeds when one of these holds of the stored lock, and otherwise changes nothing:
 * - START    there is none, and `request.step` is 0;
 * - COMMIT   `lock.step = request.step - 1` and `lock.fence = request.parent`: the request carries the envelope that the latest
 *            holder sent, so this acquisition commits the latest holder's step. His lease need not have ended;
 * - RETRY    `lock.step = request.step`, `lock.parent = request.parent`, not `done`, and `lock.expires < request.now`.
 *
 * It then stores step, parent, holder, expires, state, place and machine of the request, `done = false`, `status = running`, and
 * `fence = fence + 1` (1 for a new lock). `released` stays as it is (0 for a new lock), as does `startedAt`.
 */
export interface LockStore {
  /**
   * On refusal it answers with the lock that stood in the way, if there is one. A lock whose holder is the request's counts as acquired.
   */
  acquire(request: AcquireRequest): Promise<Acquisition>;
  /**
   * Ends the lease early: `expires = 0`, `released = fence`, if `lock.fence = lease.fence` and it is not done. Otherwise nothing happens.
   */
  release(lease: Lease): Promise<void>;
  /**
   * Sets `done = true`, `status` and `expires = 0`, if `lock.fence = lease.fence` and the lease was not given up (`released < fence`): a
   * request that comes late must not end again what was reopened. A lock with status `completed` or `cancelled` may be
   * forgotten by the store after its retention; one that is parked or failed never is.
   * @returns false when the lease was lost to another attempt; true also when this very commit was made before.
   */
  commit(lease: Lease, status: Exclude<ExecutionStatus, 'running'> | 'running', now: number): Promise<boolean>;
  /** A strongly consistent read. */
  read(executionId: string): Promise<Lock | undefined>;
  /**
   * Makes the step that has failed under that fence runnable again: `done = false`, `status = running`, `released = fence`, if `lock.fence`
   * is as given and the status is `failed`. A later failure of the same step stays as it is.
   * @returns false when the lock is not as expected.
   */
  reopen(executionId: string, fence: number, now: number): Promise<boolean>;
  /**
   * Ends an execution from outside: `done = true`, `status = cancelled`, `expires = 0` and `fence = fence + 1`, unless it has completed
   * or is cancelled already. With the new fence nothing that any attempt has sent or will send continues the execution. The lock may be
   * forgotten as after a commit of that status.
   * @returns the lock as it is then, cancelled or completed, if there is one
   */
  cancel(executionId: string, now: number): Promise<Lock | undefined>;
  /**
   * Takes a lock over as it is, if there is none of that execution, or one whose fence is smaller than `below`. One whose execution has
   * ended may be forgotten as after a commit.
   * @returns as `acquire` does
   */
  install(lock: Lock, below: number): Promise<Acquisition>;
}

/** An execution that is counted among those of its machine that are under way. */
export interface RunningExecution {
  readonly executionId: string;
  /** The largest fence token that the execution had had before: 0 when it was started. */
  readonly fence: number;
  /** Milliseconds since the epoch at which the invocation must be dead that lets it begin. */
  readonly expires: number;
}

/** Counts the executions that are under way, by their names. Each method is ONE atomic operation of the store, and may be repeated. */
export interface RunningExecutions {
  /**
   * Counts an execution in a group, unless `capacity` others are. One that is counted already stays so; of its two records, that with the
   * larger fence is kept, or else the later one.
   *
   * @returns nothing, or when there is no room those that are counted
   */
  enter(group: string, capacity: number, execution: RunningExecution): Promise<readonly RunningExecution[] | undefined>;
  /** Counts an execution no more, if it is recorded with a fence smaller than `fence`, and if given with `expires` or an earlier one. */
  leave(group: string, executionId: string, fence: number, expires?: number): Promise<void>;
}

/** What an attempt came to, as the journal tells it. */
export type CheckpointOutcome = 'dispatched' | 'parked' | 'completed' | 'retrying' | 'failed' | 'cancelled';

/** The journal entry of one attempt at a step, or of the cancellation that has ended it. Its key is (executionId, step, fence). */
export interface Checkpoint {
  readonly executionId: string;
  readonly machine: string;
  /** Hash of the machine's definition that was run. */
  readonly definition?: string;
  readonly step: number;
  readonly fence: number;
  readonly parent: number;
  readonly attempt: number;
  readonly outcome: CheckpointOutcome;
  /** The state that the step left, `null` for the start. */
  readonly source: string | null;
  readonly event: string;
  /** The states entered: one, and one more for each local transition that followed. */
  readonly states: readonly string[];
  /** The event that takes the execution on, when it was dispatched. */
  readonly next?: string;
  readonly startedAt: number;
  readonly endedAt: number;
  /** Where the next envelope was put: the event source, or the retry queue of an attempt that is retried. */
  readonly place?: Place;
  /** The context, where the execution parks, completes or fails, and where it is cancelled in such a state. */
  readonly context?: JsonObject;
  readonly mailbox?: MailboxPosition;
  /** Where the trace of an execution that parks goes on. */
  readonly trace?: string;
  /** The events that a parked execution takes out of its mailbox. */
  readonly accepts?: readonly string[];
  readonly error?: Failure;
  /** The envelope that failed for good, whole, to be sent again. */
  readonly envelope?: Envelope;
}

/** The checkpoint table. */
export interface Journal {
  /** Most entries that one `write` takes. */
  readonly maxBatchEntries: number;
  /** Most bytes of one entry. */
  readonly maxEntryBytes: number;
  /** Answers entry by entry, in order: `undefined`, or why that entry was not written. Entries that are parked or failed never expire. */
  write(checkpoints: readonly Checkpoint[]): Promise<readonly (Error | undefined)[]>;
  /** One entry, strongly consistent. */
  read(executionId: string, step: number, fence: number): Promise<Checkpoint | undefined>;
  /** All entries of an execution, by step, then fence. */
  history(executionId: string): Promise<readonly Checkpoint[]>;
  /** Lets an entry that never expires (it was parked or failed, and is no more) go the way of the others. */
  expire(executionId: string, step: number, fence: number): Promise<void>;
}

/** An external event that waits for its execution. */
export interface Mail {
  /** 1, 2, 3 … without a gap, in the order in which the events were accepted. */
  readonly position: number;
  readonly id: string;
  readonly event: string;
  readonly data?: Json;
  /** The only step in whose wait it may be taken: it came with a callback token. */
  readonly step?: number;
}

/** The durable, ordered queue of the external events of each execution, and the secret that its callback tokens are sealed with. */
export interface Mailbox {
  /**
   * Accepts an event once by its id: a second call with the same id changes nothing.
   *
   * @throws MailboxFullError when {@link MAX_WAITING_MAILS} or more wait. Those for one step alone are accepted nevertheless: a machine has
   * few of them, and they end a wait
   */
  put(executionId: string, mail: Omit<Mail, 'position'>): Promise<void>;
  /** The mails that are not removed, by position, strongly consistent. */
  list(executionId: string): Promise<readonly Mail[]>;
  /** Forgets mails that were taken; their ids stay known. */
  remove(executionId: string, positions: readonly number[]): Promise<void>;
  /** The secret of the execution: the one that it has, or else the proposed one from now on. */
  createSecret(executionId: string, proposal: string): Promise<string>;
  /** The secret of the execution, strongly consistent, if it has one. */
  readSecret(executionId: string): Promise<string | undefined>;
  /** The execution has ended: lets what it never took, the ids, and the secret go the way of its checkpoints. */
  expire(executionId: string): Promise<void>;
}

/** What actions have others do, while the execution waits: containers. */
export interface Tasks {
  /**
   * Stops the task that an action has started in a step, if it still runs.
   *
   * @param signal aborted when there is no time left for it
   */
  stop(action: string, executionId: string, step: number, signal: AbortSignal): Promise<void>;
}

/** An envelope, or what was taken for one, that nobody will try again by itself. */
export interface DeadLetter {
  /** One sentence: what was wrong, what was expected. */
  readonly reason: string;
  readonly executionId?: string;
  readonly machine?: string;
  /** The message as it came, unchanged. */
  readonly body: string;
  readonly place: Place;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface DeadLetterStore {
  put(letter: DeadLetter): Promise<void>;
}

/** What the engine counts. */
export type MetricName =
  | 'Transition' | 'Completed' | 'Parked' | 'Error' | 'Fatal' | 'Retry' | 'Caught' | 'Duplicate' | 'Orphan' | 'Busy'
  | 'Delayed' | 'DispatchFailure' | 'Failover' | 'LockFailure' | 'CheckpointFailure' | 'DeadLetter' | 'Redelivery'
  | 'Timeout' | 'LockFailover';

/**
 * What the engine measures, in milliseconds: `StepDuration` is how long the actions of a step took, by the state that it came to;
 * `EnvelopeAge` how long an envelope was on its way until its step was acquired, counted from when it was sent or due.
 */
export type MeasureName = 'StepDuration' | 'EnvelopeAge';

export interface Metrics {
  /** Adds to a counter. `machine` and `state` are names of the definition, never values of a payload. */
  count(name: MetricName, machine?: string, state?: string): void;
  /** Adds a measured value; `machine` and `state` as with `count`. */
  measure(name: MeasureName, milliseconds: number, machine?: string, state?: string): void;
  /** Writes out what was counted and measured since the last flush. Never rejects: what cannot be written is lost. */
  flush(): Promise<void>;
}

/** One attempt at a step, as the trace of its execution will show it. */
export interface TracedAttempt {
  readonly envelope: Pick<Envelope, 'executionId' | 'machine' | 'step' | 'trace'>;
  /** The state that the step enters. */
  readonly state: string;
  /** How often the step was acquired before. */
  readonly attempt: number;
}

/** A part of a trace that has begun. */
export interface Span {
  /** What the envelopes that the attempt sends carry as their `trace`. */
  readonly trace: string;
  /** @param error class of the error with which the attempt has failed. Never its message, which may hold payload */
  end(error?: string): void;
}

/** Shows each execution as one trace, across the invocations that its steps run in. No method of it ever throws. */
export interface Tracer {
  /**
   * Where the trace of the code that now runs would go on: a start carries it, so that the execution is seen as a part of what started it.
   */
  current(): string | undefined;
  /**
   * An attempt begins. An execution whose start carries no trace is sampled at its first step, and never later.
   *
   * @returns nothing when the execution is not traced
   */
  begin(attempt: TracedAttempt): Span | undefined;
  /** Hands over all that has ended since the last flush. */
  flush(): Promise<void>;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after that many milliseconds, or at once when the signal is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A name that no one else has. */
  id(): string;
}

/** A message as it was delivered to the invocation. */
export interface Delivery {
  /** By which the source knows the record again: message id or sequence number. */
  readonly id: string;
  readonly body: string;
  readonly place: Place;
  /**
   * The source delivers nothing behind a record that was given back until that record is through (Kinesis, DynamoDB Streams), or gives it
   * up soon (SNS). What must wait then goes through the retry queue, and a record is given back only when nothing can be written at all.
   */
  readonly blocking: boolean;
}

/** What the source is told about a delivery: forget it, or deliver it again. */
export type Outcome = 'acknowledge' | 'redeliver';

/** The invocation in which a batch is processed. */
export interface Invocation {
  /** Milliseconds since the epoch at which the invocation is dead, however it goes. */
  readonly deadline: number;
}
