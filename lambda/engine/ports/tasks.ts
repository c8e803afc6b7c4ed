import type { ExecutionKey } from '../envelope/execution-key';

/** Tasks (containers) that actions start, and that run while the execution waits. */
export interface Tasks {
  /**
   * Stops the task that an action started in a step, if it is still running.
   *
   * @param signal aborted when no time is left for the request
   */
  stop(action: string, execution: ExecutionKey, step: number, signal: AbortSignal): Promise<void>;
}
