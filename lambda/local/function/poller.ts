import { setMaxListeners } from 'node:events';
import type { InvocationResult } from './function';
import { systemClock } from '../../aws/system';

/** Carries records from an event source to a function until it is stopped. */
export interface Poller {
  /** Stops polling. Resolves when all invocations and requests have ended. A batch in flight is not acknowledged: its source keeps it. */
  stop(): Promise<void>;
}

/** A function, as pollers see it. */
export interface Invocable {
  /** Maximum number of concurrent invocations. */
  readonly environments: number;
  invoke(event: unknown): Promise<InvocationResult>;
}

/** Receives errors that occur outside the function: a source that cannot be read, a destination that cannot be written. */
export type OnPollerError = (error: Error) => void;

/** How {@link retryUntilStopped} reports errors, and when it stops. */
export interface RetryOptions {
  readonly signal: AbortSignal;
  readonly onError: OnPollerError;
  /** The beginning of the error message: `Cannot poll queue …`. */
  readonly failure: string;
}

/** Pause after an error, in milliseconds. */
const ERROR_PAUSE_MS = 200;

/** Creates the controller that stops a poller. All requests in progress listen to its signal. */
export function stopper(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** Resolves after `pauseMs` milliseconds, or when the signal is aborted. */
export function pause(pauseMs: number, signal: AbortSignal): Promise<void> {
  return systemClock.sleep(pauseMs, signal);
}

/** Retries a request until it succeeds, and reports each error. Resolves to `undefined` if the signal is aborted first. */
export async function retryUntilStopped<T>(
  request: () => Promise<T>,
  { signal, onError, failure }: RetryOptions,
): Promise<T | undefined> {
  while (!signal.aborted) {
    try {
      return await request();
    } catch (error) {
      if (!signal.aborted) {
        onError(new Error(`${failure}: ${(error as Error).message}`, { cause: error }));
        await pause(ERROR_PAUSE_MS, signal);
      }
    }
  }
  return undefined;
}

/**
 * Repeats `poll` in parallel lanes until the poller is stopped.
 *
 * @param failure the beginning of the message of an error that `poll` throws
 */
export function startPolling(
  poll: (signal: AbortSignal) => Promise<void>,
  { lanes, onError, failure }: Omit<RetryOptions, 'signal'> & { readonly lanes: number },
): Poller {
  const stopped = stopper();
  const { signal } = stopped;
  const loops = Array.from({ length: lanes }, async () => {
    while (!signal.aborted) {
      await retryUntilStopped(() => poll(signal), { signal, onError, failure });
    }
  });
  return {
    stop: async () => {
      stopped.abort();
      await Promise.all(loops);
    },
  };
}
