/** The time. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after this number of milliseconds, or as soon as the signal is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}
