import type { Place } from './place';

/** A message that was delivered to the invocation. */
export interface Delivery {
  /** Identifies the record at its source: message id or sequence number. */
  readonly id: string;
  readonly body: string;
  readonly place: Place;
  /**
   * Whether a returned record blocks the records behind it until it succeeds (Kinesis, DynamoDB Streams), or is discarded soon (SNS).
   * Envelopes that must wait then go through the retry queue, and a record is returned only if nothing can be written at all.
   */
  readonly blocking: boolean;
  /**
   * Whether the source delivers the next envelope of an execution only after it has received the answer to this one (FIFO queues, Kinesis,
   * DynamoDB Streams).
   */
  readonly ordered: boolean;
  /** Identifies this delivery of the record to the queue that delivered it, which can postpone the redelivery. */
  readonly receipt?: Receipt;
  /**
   * Number of deliveries of the record, including this one.
   *
   * @default - the source does not count
   */
  readonly receives?: number;
  /**
   * Whether the source dead-letters the record by itself after a few further deliveries. The engine then replaces it by a new message with
   * the same envelope, and acknowledges it.
   *
   * @default false
   */
  readonly nearReceiveLimit?: boolean;
}

/** Identifies a delivery of a message. */
export interface Receipt {
  /** Name or ARN of the queue that delivered the message. */
  readonly queue: string;
  readonly handle: string;
}

/** The answer to the source of a delivery. With `redeliver`, the source chooses the time of the redelivery. */
export type Outcome = 'acknowledge' | 'redeliver' | RedeliverAt;

/** The answer for an envelope that cannot run before a time: the source redelivers it then. Only for sources that are not `blocking`. */
export interface RedeliverAt {
  /** Milliseconds since the epoch. */
  readonly redeliverAt: number;
}

/**
 * Whether a queue may soon dead-letter a message by itself: three quarters of its deliveries are used up, or the last one. The count of SQS
 * is approximate, and an invocation may die before it replaces the message.
 *
 * @param receives number of deliveries, including the current one
 * @param maxReceiveCount number of deliveries after which the queue dead-letters the message
 */
export function isNearReceiveLimit(receives: number, maxReceiveCount: number): boolean {
  return receives >= maxReceiveCount - Math.floor(maxReceiveCount / 4);
}

/** The invocation that processes a batch. */
export interface Invocation {
  /** Milliseconds since the epoch by which the invocation must have ended. */
  readonly deadline: number;
}
