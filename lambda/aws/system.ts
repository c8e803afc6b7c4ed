import { randomUUID } from 'node:crypto';
import type { Clock, Metrics, Random, Tracer } from '../engine/ports';
import type { LogFields, Logger } from '../machine';

/** The parts of the environment that are not AWS services. */
export interface System {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** @default - nothing is measured */
  readonly metrics?: Metrics;
  /** @default - if the workflow is traced, executions continue the trace of the code that starts them */
  readonly tracer?: Tracer;
}

/** The clock and the random numbers of this machine, and a logger that writes to the standard output. */
export function defaultSystem(): System {
  return { clock: systemClock, random: systemRandom, logger: jsonLogger() };
}

/** The longest time of one timer, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) {
        resolve();
        return;
      }
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const until = Date.now() + milliseconds;
      // A longer timer would fire at once.
      const start = (left: number): NodeJS.Timeout =>
        setTimeout(
          () => {
            if (left <= MAX_TIMER_MS) wake();
            else timer = start(until - Date.now());
          },
          Math.min(left, MAX_TIMER_MS),
        );
      let timer = start(milliseconds);
      signal?.addEventListener('abort', wake, { once: true });
    }),
};

/** Random numbers and ids of this machine. */
export const systemRandom: Random = {
  next: () => Math.random(),
  id: () => randomUUID(),
};

/** Measures nothing. */
export const NO_METRICS: Metrics = { count: () => undefined, measure: () => undefined, flush: async () => undefined };

const LEVELS = ['DEBUG', 'INFO', 'WARN', 'ERROR'];

/**
 * Creates a logger that writes each message as one line of JSON, which CloudWatch Logs Insights parses.
 *
 * @param minimum the lowest level to write: `DEBUG`, `INFO`, `WARN` or `ERROR`
 * @param write writes a line, which includes its newline
 */
export function jsonLogger(
  minimum: string = process.env.AWS_LAMBDA_LOG_LEVEL ?? 'INFO',
  write: (line: string) => void = (line) => {
    process.stdout.write(line);
  },
): Logger {
  // Lambda has more levels (TRACE, FATAL); each counts as the nearest of these.
  const least = minimum === 'FATAL' ? LEVELS.length - 1 : Math.max(0, LEVELS.indexOf(minimum));
  const logAt = (level: string) => (message: string, fields?: LogFields) => {
    if (LEVELS.indexOf(level) >= least) {
      write(`${JSON.stringify({ timestamp: new Date().toISOString(), level, message, ...fields })}\n`);
    }
  };
  return { debug: logAt('DEBUG'), info: logAt('INFO'), warn: logAt('WARN'), error: logAt('ERROR') };
}
