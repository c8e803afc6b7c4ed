import type { Failure, Json, JsonObject } from '../machine';

/**
 * The version of the envelope that this library writes. It grows when there is something new in the envelope that a runtime must know in
 * order to run it rightly. The members that there are keep their names, types and meanings in every version to come, so an older runtime
 * can tell whose a newer envelope is; it never runs it, but leaves it to the newer runtime that a deployment is about to bring.
 */
export const ENVELOPE_VERSION = 1;

/**
 * The message that carries an execution from step to step.
 *
 * An envelope is immutable: a retry is the same envelope with the next `attempt`, never with the context that a
 * failed attempt has half changed.
 */
export interface Envelope {
  /** Version of this format: at least {@link ENVELOPE_VERSION}. */
  readonly version: number;
  readonly executionId: string;
  /** Name of the machine that the execution runs. */
  readonly machine: string;
  /** Hash of the machine's definition that the sender ran; absent for the start, whose sender need not know it. */
  readonly definition?: string;
  /** How many transitions the execution has dispatched before this one: 0 for the start. */
  readonly step: number;
  /** Fence token of the attempt that sent this envelope: 0 for the start. */
  readonly parent: number;
  /** How often this step has failed before, 0 for the first try. */
  readonly attempt: number;
  /** The state that the execution is in, `null` before the start. */
  readonly state: string | null;
  /** The event that takes it on from there. */
  readonly event: string;
  readonly context: JsonObject;
  /** What the sender of an external event has attached to it. */
  readonly data?: Json;
  /** Why the `catch` transition is taken. */
  readonly error?: Failure;
  /** Which external events the execution has taken out of its mailbox; absent while it has used none. */
  readonly mailbox?: MailboxPosition;
  /** The mail that `event` and `data` come from, in the step that a mail has woken. */
  readonly mail?: number;
  /**
   * Something else than its callback token has woken the execution, in this step: nobody waits any more for the task that the step before
   * has started.
   */
  readonly abandonsTask?: true;
  /**
   * Where the trace of the execution goes on: its id, and in it the part that sent this envelope. Absent while the execution is not traced.
   *
   * @see https://www.w3.org/TR/trace-context/#traceparent-header
   */
  readonly trace?: string;
  /**
   * The time is over that the state gave the parked execution which has sent this to itself. It is no step, and carries no context: its
   * event goes into the mailbox, if the execution still waits there.
   */
  readonly timeout?: true;
  /** The fence token with which the execution had failed, where this envelope takes it up again. */
  readonly redriven?: number;
  /** Milliseconds since the epoch before which the step must not run. */
  readonly notBefore?: number;
  /** Milliseconds since the epoch at which the envelope was made. */
  readonly sentAt: number;
}

/**
 * Which mails of an execution's mailbox are taken: all up to `through`, but for those `deferred` (they were sent early,
 * for a state that the execution has not parked in yet). It travels in the envelope, so it is part of the chain of steps:
 * the attempt that is replaced takes its mail back with it.
 */
export interface MailboxPosition {
  readonly through: number;
  readonly deferred: readonly number[];
}
