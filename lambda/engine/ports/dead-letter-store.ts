import type { Place } from './place';

/** An envelope, or a message that is not a valid envelope, that is not retried automatically. */
export interface DeadLetter {
  /** One sentence: what is wrong, and what was expected. */
  readonly reason: string;
  readonly executionId?: string;
  readonly machine?: string;
  /** The unchanged message. */
  readonly body: string;
  readonly place: Place;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** The dead-letter queue. */
export interface DeadLetterStore {
  put(letter: DeadLetter): Promise<void>;
}
