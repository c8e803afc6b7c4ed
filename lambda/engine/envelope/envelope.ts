import type { ExecutionKey } from './execution-key';
import type { Failure, Json, JsonObject } from '../../machine/action';

/**
 * The version of the envelopes that this library writes. It grows when the envelope gets a member that a runtime must understand in order
 * to run it correctly. Existing members keep their names, types and meanings in every later version, so an older runtime can identify the
 * execution of a newer envelope; it never runs the envelope, but leaves it to the newer runtime of a deployment in progress.
 */
export const ENVELOPE_VERSION = 1;

/**
 * The message that carries an execution from step to step.
 *
 * An envelope is immutable: a retry is the same envelope with the next `attempt`, never with the context that a failed attempt partly
 * changed.
 */
export interface Envelope extends ExecutionKey {
  /** Version of this format: at least {@link ENVELOPE_VERSION}. */
  readonly version: number;
  /** Name of the machine that the execution runs. */
  readonly machine: string;
  /** Hash of the machine definition that the sender ran; absent for a start, whose sender need not know it. */
  readonly definition?: string;
  /** Number of transitions that the execution dispatched before this one: 0 for the start. */
  readonly step: number;
  /** Fence token of the attempt that sent this envelope: 0 for the start. */
  readonly parent: number;
  /** Number of earlier attempts at this step that failed: 0 for the first attempt. */
  readonly attempt: number;
  /** The state of the execution, `null` before the start. */
  readonly state: string | null;
  /** The event that triggers the transition out of `state`. */
  readonly event: string;
  readonly context: JsonObject;
  /** Data that the sender attached to an external event. */
  readonly data?: Json;
  /** The failure that triggers a `catch` transition. */
  readonly error?: Failure;
  /** The mail that `event` and `data` come from, in a step that a mail woke, or `$timeout`. */
  readonly mail?: string;
  /** The mail that woke an earlier step, and that the mailbox may still contain. The execution removes it before it parks again. */
  readonly taken?: string;
  /** Set in a step that was not woken by its callback token: the execution no longer waits for the task of the previous step. */
  readonly abandonsTask?: true;
  /**
   * The position at which the trace of the execution continues: the trace id and the segment that sent this envelope. Absent if the
   * execution is not traced.
   *
   * @see https://www.w3.org/TR/trace-context/#traceparent-header
   */
  readonly trace?: string;
  /** Set in an envelope that wakes a parked execution. It is not a step and carries no context: its receiver takes the first mail. */
  readonly wakes?: true;
  /**
   * Set in the envelope that a parked execution sends to itself for the end of its wait. It is not a step and carries no context: its
   * receiver takes the first mail, and without one the event of the timeout.
   */
  readonly timeout?: true;
  /** Fence token of the attempt that failed, in an envelope that redrives the execution. */
  readonly redriven?: number;
  /** Milliseconds since the epoch before which the step must not run. */
  readonly notBefore?: number;
  /** Milliseconds since the epoch at which the envelope was made. */
  readonly sentAt: number;
}
