import type { Clock, Invocation } from '../ports';

/** Time reserved for dispatching the results of the actions: a fifth of the invocation, but at most this, in milliseconds. */
const MAX_RESERVE_MS = 3_000;

/** When the actions of an invocation must have ended, so that enough time remains to dispatch their results. */
export interface Deadline {
  /** Aborted at the deadline. */
  readonly signal: AbortSignal;
  /** Resolves at the deadline. */
  readonly reached: Promise<void>;
  remainingMilliseconds(): number;
}

/** Starts the deadline of an invocation. Call `stop` when the invocation ends before it. */
export function startDeadline(clock: Clock, invocation: Invocation): Deadline & { stop(): void } {
  const reserve = Math.min(MAX_RESERVE_MS, (invocation.deadline - clock.now()) / 5);
  const end = invocation.deadline - reserve;
  const passed = new AbortController();
  const stopped = new AbortController();
  const reached = new Promise<void>((resolve) =>
    passed.signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  void clock.sleep(end - clock.now(), stopped.signal).then(() => {
    if (!stopped.signal.aborted) passed.abort();
  });
  return {
    signal: passed.signal,
    reached,
    remainingMilliseconds: () => Math.max(0, end - clock.now()),
    stop: () => stopped.abort('done'),
  };
}
