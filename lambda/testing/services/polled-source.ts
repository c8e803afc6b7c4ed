import type { Delivery, Outcome, Place, Transport } from '../../engine';

/** An event source or retry queue in memory: the engine sends to it, and an event source mapping takes messages from it. */
export interface PolledSource extends Transport {
  /** The number of messages, including those in flight. */
  readonly size: number;
  /** The time at which the next message can be taken, in milliseconds since the epoch, possibly in the past; `undefined` if there is none. */
  readonly nextAt: number | undefined;
  /** Adds a message with any body, as a sender other than the engine could do. Returns its location. */
  put(body: string): Place;
  /** Takes a batch of messages that can be processed now; empty if there are none. */
  take(most: number): readonly Delivery[];
  /**
   * Settles a batch that was taken. A delivery without an outcome is redelivered, as after a failed invocation. A queue redelivers a message
   * at the time that its outcome names.
   */
  settle(batch: readonly Delivery[], outcomes: ReadonlyMap<string, Outcome>): void;
}
