import { spawn } from 'child_process';

/** How many lines of a failed command's output its error shows. */
const SHOWN_LINES = 60;

/** How a command is run. */
export interface RunOptions {
  /** @default - that of this process */
  readonly cwd?: string;
  /** The whole environment of the command. @default - that of this process */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Runs a command to its end and returns what it printed, standard output and standard error together.
 *
 * @throws Error when it cannot be started or ends with anything but 0; the message holds the command and the end of its output
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: Buffer) => { output += chunk.toString(); };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) {
        resolve(output);
      } else {
        const end = output.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n');
        reject(new Error(`${[command, ...args].join(' ')} ended with ${signal ?? `exit code ${code}`}:\n${end}`));
      }
    });
  });
}
