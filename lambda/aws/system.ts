import { randomUUID } from 'node:crypto';
import type { Clock, Random } from '../engine/ports';
import type { JsonObject, Logger } from '../machine';

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) => new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const wake = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    signal?.addEventListener('abort', wake, { once: true });
  }),
};

/** Random numbers and names of this machine. */
export const systemRandom: Random = {
  next: () => Math.random(),
  id: () => randomUUID(),
};

const LEVELS = ['DEBUG', 'INFO', 'WARN', 'ERROR'];

/**
 * A logger that writes one line of JSON for each message, which CloudWatch Logs Insights reads without further ado.
 *
 * @param minimum the least level that is written: `DEBUG`, `INFO`, `WARN` or `ERROR`
 * @param write takes a line, with the newline at its end
 */
export function jsonLogger(
  minimum: string = process.env.AWS_LAMBDA_LOG_LEVEL ?? 'INFO',
  write: (line: string) => void = (line) => { process.stdout.write(line); },
): Logger {
  // Lambda knows more levels (TRACE, FATAL): what lies outside counts as the nearest.
  const least = minimum === 'FATAL' ? LEVELS.length - 1 : Math.max(0, LEVELS.indexOf(minimum));
  const logAt = (level: string) => (message: string, fields?: JsonObject) => {
    if (LEVELS.indexOf(level) >= least) {
      write(`${JSON.stringify({ timestamp: new Date().toISOString(), level, message, ...fields })}\n`);
    }
  };
  return { debug: logAt('DEBUG'), info: logAt('INFO'), warn: logAt('WARN'), error: logAt('ERROR') };
}
