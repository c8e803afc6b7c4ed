import { randomUUID } from 'node:crypto';
import { pause, stopper, type Invocable, type OnPollerError, type Poller } from './poller';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../template';

/** A scheduled rule that invokes a function. */
export interface Schedule {
  readonly ruleArn: string;
  /** Milliseconds from one invocation to the next. */
  readonly interval: number;
  /** What the function gets; the event that EventBridge makes when left out. */
  readonly input?: unknown;
}

/**
 * Invokes a function each time its schedule is due, the first time at once.
 *
 * EventBridge would start the next invocation although the previous one still runs. Here it is left out then, so that a schedule which
 * is sped up does not take all environments.
 */
export function runSchedule(schedule: Schedule, target: Invocable, onError: OnPollerError): Poller {
  const stopped = stopper();
  const loop = async () => {
    while (!stopped.signal.aborted) {
      const due = Date.now() + schedule.interval;
      const result = await target.invoke(schedule.input ?? scheduledEvent(schedule.ruleArn));
      if (!result.ok && !stopped.signal.aborted) {
        onError(new Error(`The rule ${schedule.ruleArn} invoked its function in vain: ${result.errorType}: ${result.errorMessage}`));
      }
      await pause(Math.max(0, due - Date.now()), stopped.signal);
    }
  };
  const ended = loop();
  return {
    stop: async () => {
      stopped.abort();
      await ended;
    },
  };
}

/**
 * Milliseconds between two invocations of `rate(1 minute)`, `rate(5 minutes)`, `rate(2 hours)` …
 *
 * @throws Error for any other expression
 */
export function intervalOf(scheduleExpression: string): number {
  const match = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(scheduleExpression.trim());
  if (!match || Number(match[1]) < 1) {
    throw new Error(`The local runner understands schedules such as rate(5 minutes), not ${scheduleExpression}.`);
  }
  const minutes = { minute: 1, hour: 60, day: 24 * 60 }[match[2] as 'minute' | 'hour' | 'day'];
  return Number(match[1]) * minutes * 60_000;
}

function scheduledEvent(ruleArn: string) {
  return {
    'version': '0',
    'id': randomUUID(),
    'detail-type': 'Scheduled Event',
    'source': 'aws.events',
    'account': LOCAL_ACCOUNT,
    'time': new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    'region': LOCAL_REGION,
    'resources': [ruleArn],
    'detail': {},
  };
}
