import type { Checkpoint } from './journal';
import type { Place } from './place';
import type { Envelope } from '../envelope/envelope';

/** One envelope to send. */
export interface OutgoingEnvelope {
  readonly envelope: Envelope;
  /** The envelope as text, encoded once for every transport that may be tried. */
  readonly body: string;
  /** The journal entry of the step that sends it; absent for a start, a wake-up and a retry. */
  readonly checkpoint?: Checkpoint;
}

/** The outcome of one dispatch of a batch. */
export type DispatchResult =
  | {
      readonly ok: true;
      readonly place: Place;
      /** Whether the transport has also written the checkpoint. */
      readonly journaled: boolean;
    }
  | { readonly ok: false; readonly error: Error };

/** An event source or a retry queue, as far as it is not sent to. */
export interface Carrier {
  /** Name for messages and metrics, for example `sqs`. */
  readonly name: string;
  /** Maximum bytes (UTF-8) of one body. */
  readonly maxBodyBytes: number;
  /**
   * Reads an envelope again from the place where it was stored; `undefined` if it is no longer there. Absent if the service cannot read
   * single messages: a queue shows a message only to the receiver.
   */
  readBack?(executionId: string, place: Place): Promise<string | undefined>;
}

/** The sending side of an event source or a retry queue. */
export interface Transport extends Carrier {
  /** Maximum number of entries of one `send`. */
  readonly maxBatchEntries: number;
  /** Maximum bytes of all bodies of one `send`. */
  readonly maxBatchBytes: number;
  /** Maximum milliseconds that the transport can delay an envelope until its `notBefore`; absent if it cannot. */
  readonly longestDelay?: number;
  /** Answers entry by entry, in order. Rejects only if the outcome of every entry is unknown. */
  send(dispatches: readonly OutgoingEnvelope[]): Promise<readonly DispatchResult[]>;
}
