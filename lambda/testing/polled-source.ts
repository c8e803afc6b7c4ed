import type { Delivery, Outcome, Place, Transport } from '../engine';

/** An event source or retry queue in memory, seen from both ends: the engine sends to it, an {@link EventSourceMapping} takes from it. */
export interface PolledSource extends Transport {
  /** How many messages it holds, those that are being processed included. */
  readonly size: number;
  /** When the next message can be taken, in milliseconds since the epoch: the past when one can be now, `undefined` when none ever will. */
  readonly nextAt: number | undefined;
  /** Puts a message in as it is, whatever it says: as somebody does who is not the engine. Tells where it lies. */
  put(body: string): Place;
  /** Takes a batch of messages that can be processed now. It is empty when there are none. */
  take(most: number): readonly Delivery[];
  /**
   * Tells what became of a batch that was taken. A delivery without an outcome is delivered again, as after an invocation that died.
   */
  settle(batch: readonly Delivery[], outcomes: ReadonlyMap<string, Outcome>): void;
}
