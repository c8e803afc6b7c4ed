import { fullJitter } from './backoff';
import type { Random } from '../ports';

// Every wait that is not a retry: its duration and its jitter. Retries use the backoff of their state, see `backoff.ts`.

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** How long before its due time an envelope may run, in milliseconds: clocks differ, and services round delays to whole seconds. */
export const EARLY_TOLERANCE_MS = SECOND_MS;

/** Longest delay that a machine can configure, in milliseconds: a backoff or a timeout of one year, plus one day for wrong clocks. */
export const MAX_DELAY_MS = 366 * DAY_MS;

/** Maximum wait of an envelope of a newer version, in milliseconds: the longest retention of an SQS queue. */
export const MAX_WAIT_FOR_NEWER_RUNTIME_MS = 14 * DAY_MS;

/** Maximum time until a started task on Amazon ECS becomes visible to the API, in milliseconds. */
export const TASK_VISIBLE_AFTER_MS = 10 * SECOND_MS;

/**
 * Maximum time for which a queue hides a message whose envelope must wait, in milliseconds. A queue hides at most 120,000 messages at once,
 * and delivers nothing beyond that. A delayed message does not count.
 */
export const MAX_HOLD_MS = MINUTE_MS;

/** Maximum time for which an envelope circulates through retry queues that cannot delay it, in milliseconds: the longest lease fits in. */
export const MAX_CIRCULATION_MS = 20 * MINUTE_MS;

/** Maximum pause in an invocation before such a round, in milliseconds. */
export const MAX_CIRCULATION_PAUSE_MS = 5 * SECOND_MS;

const MAX_POLL_FOR_NEWER_RUNTIME_MS = 15 * MINUTE_MS;
const MIN_POLL_FOR_CAPACITY_MS = 10 * SECOND_MS;
const MAX_SPREAD_MS = 15 * MINUTE_MS;
const MAX_POLL_FOR_CAPACITY_MS = MINUTE_MS;

/** When to retry after a short disturbance: within ten seconds, spread at random. */
export function soon(now: number, random: Random): number {
  return now + EARLY_TOLERANCE_MS + fullJitter({ baseSeconds: 10, capSeconds: 10 }, 0, random);
}

/**
 * When a source should redeliver a record that a disturbance kept from being processed. The interval grows with each delivery, so that a
 * long outage costs little, and is bounded, so that work resumes within seconds of its end.
 *
 * @param receives number of deliveries so far; absent if the source does not count
 */
export function nextRedelivery(receives: number | undefined, now: number, random: Random): number {
  if (receives === undefined) return soon(now, random);
  return now + EARLY_TOLERANCE_MS + fullJitter({ baseSeconds: 2, capSeconds: 20 }, Math.max(0, receives - 1), random);
}

/**
 * When to deliver a step again that must run alone and that an invocation had no time for. Several of them are spread over the time that
 * all of them need.
 *
 * @param spreadMs milliseconds that all of them need
 */
export function postponedSuspect(now: number, spreadMs: number, random: Random): number {
  return now + EARLY_TOLERANCE_MS + Math.round(Math.min(spreadMs, MAX_SPREAD_MS) * random.next());
}

/**
 * When to check again whether the concurrency limit of a machine has room. The interval grows with the time that an execution has waited.
 *
 * @param since milliseconds since the epoch at which the wait began
 */
export function nextPollForCapacity(since: number, now: number, random: Random): number {
  const waited = Math.min(Math.max(now - since, MIN_POLL_FOR_CAPACITY_MS), MAX_POLL_FOR_CAPACITY_MS);
  return now + EARLY_TOLERANCE_MS + Math.round(waited * random.next());
}

/**
 * When to check again whether a newer runtime has been deployed. The interval grows with the age of the envelope.
 *
 * @param age milliseconds since the envelope was sent
 */
export function nextPollForNewerRuntime(age: number, now: number, random: Random): number {
  return now + EARLY_TOLERANCE_MS + Math.round(Math.min(age, MAX_POLL_FOR_NEWER_RUNTIME_MS) * random.next());
}
