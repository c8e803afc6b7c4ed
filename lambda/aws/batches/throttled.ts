import { FsmError } from '../../machine/fsm-error';

/** The service throttled the request in every attempt. Nothing was written. */
export class ThrottledError extends FsmError {
  public override readonly name = 'ThrottledError';
  public override readonly code = 'THROTTLED';

  constructor(cause: Error) {
    super(`The service throttled the request: ${cause.name}: ${cause.message}`, { cause, retryable: true });
  }
}

/** Whether a service refused a request because of its rate. Such a request has no effect. */
export function isThrottling({ name }: Pick<Error, 'name'>): boolean {
  return /throttl|ThroughputExceeded|TooManyRequests|RequestLimitExceeded|^SlowDown/i.test(name);
}
