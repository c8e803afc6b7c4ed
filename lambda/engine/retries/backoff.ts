import type { Backoff } from '../../machine';
import type { Random } from '../ports';

/** More doublings exceed the range of a number, and `0 * Infinity` is not a number. */
const MAX_DOUBLINGS = 1_000;

/**
 * Returns the milliseconds to wait before the next attempt: exponential backoff with full jitter, uniform in
 * `[0, min(cap, base · 2^attempt))`.
 *
 * @param attempt number of failures of the step before the current one: 0, 1, 2 …
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function fullJitter(backoff: Backoff, attempt: number, random: Random): number {
  const ceiling = Math.min(backoff.capSeconds, backoff.baseSeconds * 2 ** Math.min(attempt, MAX_DOUBLINGS));
  return Math.floor(random.next() * ceiling * 1000);
}
