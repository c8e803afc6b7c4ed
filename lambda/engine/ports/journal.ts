import type { Place } from './place';
import type { Failure, JsonObject } from '../../machine/action';
import type { Envelope } from '../envelope/envelope';
import type { ExecutionKey } from '../envelope/execution-key';

/** The outcome of an attempt, as the journal records it. */
export type CheckpointOutcome = 'dispatched' | 'parked' | 'completed' | 'retrying' | 'failed' | 'cancelled';

/** One attempt at a step, or the cancellation that ended it. */
export interface Attempt {
  /** Hash of the machine definition that ran. */
  readonly definition?: string;
  readonly fence: number;
  readonly parent: number;
  readonly attempt: number;
  readonly outcome: CheckpointOutcome;
  /** The state that the step left, `null` for the start. */
  readonly source: string | null;
  readonly event: string;
  /** The states that the step entered: one, and one more for each local transition that followed. A long list has only the first and the last ones. */
  readonly states: readonly string[];
  /** Number of states that are omitted in the middle of `states`. */
  readonly omittedStates?: number;
  /** The event of the next step, if it was dispatched. */
  readonly next?: string;
  /** The place that the next envelope was sent to: the event source, or the retry queue of a retried attempt. */
  readonly place?: Place;
  /** The position at which the trace of a parking execution continues. */
  readonly trace?: string;
  readonly error?: Failure;
}

/** An attempt as the journal records it. */
export interface JournaledAttempt extends Attempt {
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Milliseconds since the epoch. */
  readonly endedAt: number;
}

/** The timeout of a parked execution. */
export interface PendingTimeout {
  /** The event that ends the wait. */
  readonly event: string;
  /** Milliseconds since the epoch at which the wait ends. */
  readonly at: number;
}

/** The journal entry of one attempt. Its key is (executionId, incarnation, step, fence). */
export interface Checkpoint extends JournaledAttempt, ExecutionKey {
  readonly machine: string;
  readonly step: number;
  /** The context, if the execution parks, completes or fails, or is canceled in such a state. */
  readonly context?: JsonObject;
  /** The end of the wait of a parked execution whose state has a timeout. */
  readonly timeout?: PendingTimeout;
  /** The whole envelope of an execution that failed, for a redrive. */
  readonly envelope?: Envelope;
}

/** An attempt, and the step that it belongs to. */
export interface JournalEntry {
  readonly step: number;
  readonly attempt: JournaledAttempt;
}

/** A part of the history of an execution. */
export interface JournalPage {
  /** By step, then by fence. All attempts of a step are on the same page. */
  readonly entries: readonly JournalEntry[];
  /** Whether attempts at earlier steps are recorded. */
  readonly hasEarlier: boolean;
}

/** The checkpoint table. */
export interface Journal {
  /** Maximum number of entries of one `write`. */
  readonly maxBatchEntries: number;
  /** Maximum bytes of one entry. */
  readonly maxEntryBytes: number;
  /** Answers entry by entry, in order: `undefined`, or why the entry was not written. Parked and failed entries never expire. */
  write(checkpoints: readonly Checkpoint[]): Promise<readonly (Error | undefined)[]>;
  /** Reads one entry, strongly consistent. */
  read(execution: ExecutionKey, step: number, fence: number): Promise<Checkpoint | undefined>;
  /**
   * The attempts at the latest steps, without contexts and envelopes: at most `maxSteps` steps, and fewer if their entries are large, but
   * at least one if any is recorded.
   *
   * @param before only steps before this one
   */
  page(execution: ExecutionKey, maxSteps: number, before?: number): Promise<JournalPage>;
  /** Lets an entry expire that would never expire otherwise: its execution is no longer parked or failed. */
  expire(execution: ExecutionKey, step: number, fence: number): Promise<void>;
}
