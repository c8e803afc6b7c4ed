import type { Clock } from './ports';

/**
 * Waits for work, but no longer than until a time. The work continues afterwards.
 *
 * @param until milliseconds since the epoch
 * @returns whether the work has ended
 * @throws the error of the work, if it fails by then
 */
export async function within(clock: Clock, until: number, work: Promise<unknown>): Promise<boolean> {
  const stop = new AbortController();
  const timeUp = clock.sleep(Math.max(0, until - clock.now()), stop.signal).then(() => false);
  try {
    return await Promise.race([work.then(() => true), timeUp]);
  } finally {
    // With a reason: without one, abort() creates an error with a stack.
    stop.abort('ended');
  }
}
