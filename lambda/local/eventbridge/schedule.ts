import { randomUUID } from 'node:crypto';
import { pause, startPolling, type Invocable, type OnPollerError, type Poller } from '../function/poller';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../template/template';

/** A scheduled rule that invokes a function. */
export interface Schedule {
  readonly ruleArn: string;
  /** Milliseconds from one invocation to the next. */
  readonly intervalMs: number;
  /**
   * The input of the function.
   *
   * @default - the scheduled event of EventBridge
   */
  readonly input?: unknown;
}

/**
 * Invokes a function on a schedule, for the first time immediately.
 *
 * EventBridge starts an invocation even if the previous one is still running. The local runner skips it, so that a schedule that is sped up
 * does not occupy all execution environments.
 */
export function runSchedule(
  { ruleArn, intervalMs, input }: Schedule,
  target: Invocable,
  onError: OnPollerError,
): Poller {
  const failure = `Rule ${ruleArn} failed to invoke its function`;
  const poll = async (signal: AbortSignal) => {
    const due = Date.now() + intervalMs;
    const result = await target.invoke(input ?? scheduledEvent(ruleArn));
    if (!result.ok && !signal.aborted) {
      onError(new Error(`${failure}: ${result.errorType}: ${result.errorMessage}`));
    }
    await pause(Math.max(0, due - Date.now()), signal);
  };
  return startPolling(poll, { lanes: 1, failure, onError });
}

/**
 * Returns the interval of `rate(1 minute)`, `rate(5 minutes)`, `rate(2 hours)` and the like, in milliseconds.
 *
 * @throws Error for any other expression
 */
export function intervalOf(scheduleExpression: string): number {
  const match = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(scheduleExpression.trim());
  if (!match || Number(match[1]) < 1) {
    throw new Error(
      `Unsupported schedule ${scheduleExpression}: the local runner supports rates such as rate(5 minutes).`,
    );
  }
  const minutes = { minute: 1, hour: 60, day: 24 * 60 }[match[2] as 'minute' | 'hour' | 'day'];
  return Number(match[1]) * minutes * 60_000;
}

function scheduledEvent(ruleArn: string) {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: LOCAL_ACCOUNT,
    time: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    region: LOCAL_REGION,
    resources: [ruleArn],
    detail: {},
  };
}
