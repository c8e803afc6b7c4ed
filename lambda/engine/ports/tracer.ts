import type { Envelope } from '../envelope/envelope';

/** One attempt at a step, as the trace of its execution shows it. */
export interface TracedAttempt {
  readonly envelope: Pick<Envelope, 'executionId' | 'machine' | 'step' | 'trace'>;
  /** The state that the step enters. */
  readonly state: string;
  /** Number of earlier attempts that acquired the step. */
  readonly attempt: number;
}

/** A part of a trace that has begun. */
export interface Span {
  /** The `trace` of the envelopes that the attempt sends. */
  readonly trace: string;
  /** @param error class of the error with which the attempt failed; never its message, which may contain payload */
  end(error?: string): void;
}

/** Shows each execution as one trace across the invocations that run its steps. No method ever throws. */
export interface Tracer {
  /**
   * The position at which the trace of the running code continues. A start carries it, so that the execution appears below the code that
   * started it.
   */
  current(): string | undefined;
  /**
   * Begins an attempt. An execution whose start carries no trace is sampled at its first step, and never later.
   *
   * @returns nothing if the execution is not traced
   */
  begin(attempt: TracedAttempt): Span | undefined;
  /** Sends everything that ended since the last flush. */
  flush(): Promise<void>;
}
