import { spawn } from 'child_process';

/** Lines of a failed command's output in its error. */
const SHOWN_LINES = 60;

/** Options of {@link run}. */
export interface RunOptions {
  /** Working directory. @default - the working directory of this process */
  readonly cwd?: string;
  /** All environment variables. @default - the variables of this process */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Runs a command, and returns its standard output and standard error as one text.
 *
 * @throws Error if the command cannot be started or fails; the message contains the command and the end of its output
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) {
        resolve(output);
      } else {
        const end = output.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n');
        reject(new Error(`${[command, ...args].join(' ')} failed with ${signal ?? `exit code ${code}`}:\n${end}`));
      }
    });
  });
}
