import type { Json } from '../../machine/action';
import type { ExecutionKey } from '../envelope/execution-key';

/** The execution that an event is for. */
export interface Recipient {
  readonly executionId: string;
  /** Absent for an early event: no execution with this id exists yet, and the next one takes the event. */
  readonly incarnation?: string;
  /** An incarnation whose record has expired, so that an event id that it received may be used again. */
  readonly forgotten?: string;
}

/** An external event for an execution. */
export interface Mail {
  readonly id: string;
  readonly event: string;
  readonly data?: Json;
  /** The only step whose wait may take the event: it came with a callback token. */
  readonly step?: number;
}

/** A mail that waits for its execution, without its data. */
export interface WaitingMail extends Omit<Mail, 'data'> {
  /** Identifies the mail in the mailbox. */
  readonly key: string;
  /** Grows with each mail of an execution, not always by one. A sender's mails have the order in which they were accepted. */
  readonly position: number;
  /** Milliseconds since the epoch. */
  readonly sentAt: number;
}

/** The outcome of a put: the mail is stored, or its id is known. */
export type PutResult =
  | {
      readonly accepted: true;
      /** Identifies the mail in the mailbox. */
      readonly key: string;
    }
  | {
      readonly accepted: false;
      /** Whether the known mail has the same event and data. */
      readonly same: boolean;
      /** The incarnation that the known mail is for; absent if it was early. */
      readonly incarnation?: string;
    };

/** A page of waiting mails, by position within the page. */
export interface MailPage {
  readonly mails: readonly WaitingMail[];
  /** The position at which the next page begins; absent on the last page. */
  readonly next?: string;
}

/** The secret and the events that verify the callback token of a step. */
export interface CallbackSecret {
  readonly secret: string;
  /** The events that the step can wait for. */
  readonly events: readonly string[];
}

/** Maximum number of events of one name that may wait for an execution. Concurrent sends may exceed it slightly. */
export const MAX_WAITING_MAILS = 2_000;

/** Maximum bytes of the events of one name that may wait for an execution. Concurrent sends may exceed it slightly. */
export const MAX_WAITING_BYTES = 8 * 1_048_576;

/** Days after which an event expires that its execution has not taken. */
export const MAIL_DAYS = 400;

/**
 * The durable queues of the external events of each execution, one for each event name, and the secrets that seal its callback tokens. The
 * cost of each operation is independent of the number of waiting mails, except for `expire`.
 */
export interface Mailbox {
  /**
   * Accepts a mail once by its id, or by its step and event if it came with a callback token. The position and the mail are two writes, so
   * mails of concurrent senders may become visible in another order than that of their positions.
   *
   * @throws MailboxFullError if {@link MAX_WAITING_MAILS} or {@link MAX_WAITING_BYTES} of the event wait. Early events count together, and
   * mails for a step do not count: a state has few events, and they end a wait
   */
  put(recipient: Recipient, mail: Mail): Promise<PutResult>;
  /**
   * Finds the waiting mail with the lowest position among those of some events, strongly consistent: mails for the execution, early mails, and
   * mails for this step.
   */
  first(execution: ExecutionKey, events: readonly string[], step: number): Promise<WaitingMail | undefined>;
  /** Reads a mail, strongly consistent, even if it is hidden. */
  read(executionId: string, key: string): Promise<Mail | undefined>;
  /**
   * Removes a mail that was taken or dropped; its id stays known.
   *
   * @returns false if the mail does not exist
   */
  remove(executionId: string, key: string): Promise<boolean>;
  /**
   * Lists the waiting mails of an execution, except those for one step.
   *
   * @param next the position at which the page begins; absent for the first page
   */
  list(execution: ExecutionKey, limit: number, next?: string): Promise<MailPage>;
  /** Finds the mail that was accepted with an id. It may have been removed since. */
  find(execution: ExecutionKey, id: string): Promise<{ readonly key: string; readonly event: string } | undefined>;
  /**
   * Hides a mail from `first` and `list`, or shows it again.
   *
   * @returns false if the mail does not exist
   */
  hide(executionId: string, key: string, hidden: boolean): Promise<boolean>;
  /** The secret of a step. If it has none, the proposal becomes its secret. */
  createSecret(execution: ExecutionKey, step: number, proposal: CallbackSecret): Promise<string>;
  /** The secret of a step, strongly consistent, if it has one. */
  readSecret(execution: ExecutionKey, step: number): Promise<CallbackSecret | undefined>;
  /** Removes the mails of an ended execution that it never took, including early ones. */
  expire(execution: ExecutionKey): Promise<void>;
}

/** The operations of the mailbox that clients need: only a step creates secrets and takes mails. */
export type ClientMailbox = Omit<Mailbox, 'createSecret' | 'read'>;
