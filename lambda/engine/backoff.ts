import type { Backoff } from '../machine';
import type { Random } from './ports';

/**
 * Milliseconds to wait before the next attempt: exponential backoff with full jitter, uniform in `[0, min(cap, base · 2^attempt))`.
 *
 * @param attempt how often the step has failed before the failure that is now waited for: 0, 1, 2 …
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function fullJitter(backoff: Backoff, attempt: number, random: Random): number {
  // More doublings are infinite for JavaScript, and infinitely often no seconds would be no number.
  const ceiling = Math.min(backoff.capSeconds, backoff.baseSeconds * 2 ** Math.min(attempt, 1_000));
  return Math.floor(random.next() * ceiling * 1000);
}
