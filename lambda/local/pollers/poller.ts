import { setMaxListeners } from 'node:events';
import type { InvocationResult } from '../function';

/** Carries records from one event source to one function, as a Lambda event source mapping does, until it is stopped. */
export interface Poller {
  /** Resolves when nothing runs any more. A batch that is being processed is given up: its source keeps it. */
  stop(): Promise<void>;
}

/** What pollers need of a function. */
export interface Invocable {
  readonly environments: number;
  invoke(event: unknown): Promise<InvocationResult>;
}

/** Gets each thing that went wrong outside the function: a source that cannot be read, a destination that cannot be written. */
export type OnPollerError = (error: Error) => void;

/** What a poller stops by. Every request that is under way listens to it. */
export function stopper(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** Resolves after that many milliseconds, or at once when the signal is aborted. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
  });
}
