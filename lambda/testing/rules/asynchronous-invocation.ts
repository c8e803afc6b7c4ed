/**
 * Lambda's rules for asynchronous invocations, which Amazon SNS and Amazon EventBridge make.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
export interface AsynchronousInvocationRules {
  /** Maximum number of retries of a failed invocation: 0 to 2. */
  readonly maxRetryAttempts: number;
  /** Maximum age of an event, in milliseconds. An older event is not retried. */
  readonly maxEventAgeMs: number;
  /** Delay before the first retry, in milliseconds. It doubles with each further retry. */
  readonly firstRetryDelayMs: number;
}

/** Lambda's defaults. */
export const ASYNCHRONOUS_INVOCATION_DEFAULTS: AsynchronousInvocationRules = {
  maxRetryAttempts: 2,
  maxEventAgeMs: 6 * 3_600_000,
  firstRetryDelayMs: 60_000,
};

/**
 * Returns the delay before the next attempt, in milliseconds; `undefined` if the retries are exhausted.
 *
 * @param failures the number of failed attempts: ≥ 1
 */
export function retryDelayMs(failures: number, rules: AsynchronousInvocationRules): number | undefined {
  return failures > rules.maxRetryAttempts ? undefined : rules.firstRetryDelayMs * 2 ** (failures - 1);
}

/** Whether an event is too old to be retried. Both times are in milliseconds since the epoch. */
export function isTooOld(acceptedAt: number, now: number, rules: AsynchronousInvocationRules): boolean {
  return now - acceptedAt > rules.maxEventAgeMs;
}
