import { Worker } from 'node:worker_threads';
import type { Message, Task } from './worker';

/**
 * Runs a bundled simulation in a worker thread.
 *
 * @param stop ends the worker before its task is done
 * @throws Error if the worker ends before its task is done
 */
export function runWorker(
  bundle: string,
  task: Task,
  listen: (message: Message) => void,
  stop?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(bundle, { workerData: task, execArgv: ['--enable-source-maps'] });
    let done = false;
    worker.on('message', (message: Message) => {
      done ||= message.kind === 'done';
      listen(message);
    });
    worker.on('error', reject);
    stop?.addEventListener('abort', () => void worker.terminate(), { once: true });
    worker.on('exit', (code) =>
      done || stop?.aborted
        ? resolve()
        : reject(new Error(`A worker ended with code ${code} before its task was done.`)),
    );
  });
}
