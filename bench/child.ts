import { fork } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';

/** Environment variables with which AWS clients can use servers on this machine. */
export const ENVIRONMENT = {
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_LAMBDA_LOG_LEVEL: 'WARN',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
};

/**
 * Runs a file of this folder in its own process, so the measurement includes no other work and starts without loaded modules.
 *
 * @returns the answer of the file
 */
export async function run<Answer>(
  file: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const child = fork(path.join(__dirname, file), args, {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, ...ENVIRONMENT, ...environment },
    // The runtime writes metrics to the standard output. The errors are shown only if the process fails.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const errors: unknown[] = [];
  child.stderr?.on('data', (chunk) => errors.push(chunk));
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`bench/${file} ${args.join(' ')} exited with code ${code} without an answer: ${errors.join('')}`);
  });
  // The caller knows the type of the file's answer.
  const [given] = (await Promise.race([once(child, 'message'), exited])) as [Answer];
  child.kill();
  await exited.catch(() => undefined);
  return given;
}

/** Sends the answer from a file that `run` started. */
export function answer(value: unknown): void {
  process.send?.(value);
}
