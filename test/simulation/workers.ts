import { Worker } from 'node:worker_threads';
import type { Message, Task } from './worker';

/** Runs a bundled simulation in a thread of its own. Resolves when it is done, with an error when it broke down. */
export function runWorker(bundle: string, task: Task, listen: (message: Message) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(bundle, { workerData: task, execArgv: ['--enable-source-maps'] });
    let done = false;
    worker.on('message', (message: Message) => {
      done ||= message.kind === 'done';
      listen(message);
    });
    worker.on('error', reject);
    worker.on('exit', (code) => (done ? resolve() : reject(new Error(`A worker ended with code ${code} before it was done.`))));
  });
}
