/** Optional properties of an {@link FsmError}. */
export interface FsmErrorOptions {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** @default false */
  readonly retryable?: boolean;
}

/**
 * The base class of every error that this library throws.
 *
 * Distinguish errors by `code` rather than by `instanceof` if a process may load two copies of the library, for example from two bundles:
 *
 * ```ts
 * if (error instanceof FsmError && error.retryable) await tryAgainLater();
 * ```
 */
export abstract class FsmError extends Error {
  /** Identifies the class of the error, in SCREAMING_SNAKE_CASE, for example `EXECUTION_NOT_FOUND`. Codes never change. */
  public abstract readonly code: string;
  /** Whether the same call may succeed later without a change to the call, the code or the deployment. */
  public readonly retryable: boolean;

  constructor(message: string, { cause, retryable = false }: FsmErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.retryable = retryable;
  }
}
