import { fork } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';

/** The environment in which a piece of the bench runs: what AWS clients need to work with servers on this machine. */
export const ENVIRONMENT = {
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_LAMBDA_LOG_LEVEL: 'WARN',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
};

/**
 * Runs a file of this folder in a process of its own, so that the processor time of nothing else is counted, and modules are loaded anew.
 *
 * @returns what the file has answered
 */
export async function run<Answer>(
  file: string, args: readonly string[], environment: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const child = fork(path.join(__dirname, file), args, {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, ...ENVIRONMENT, ...environment },
    // The metrics go to the standard output. What bundlers have to say is of interest only when something fails.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const errors: unknown[] = [];
  child.stderr?.on('data', (chunk) => errors.push(chunk));
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`bench/${file} ${args.join(' ')} ended with ${code}, without an answer: ${errors.join('')}`);
  });
  // What the file says is up to it: its type is known to whoever runs it.
  const [given] = await Promise.race([once(child, 'message'), exited]) as [Answer];
  child.kill();
  await exited.catch(() => undefined);
  return given;
}

/** In the process of such a file: gives the answer. */
export function answer(value: unknown): void {
  process.send?.(value);
}
