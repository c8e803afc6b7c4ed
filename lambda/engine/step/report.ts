import type { InvocationScope } from './delivery-scope';
import { loggable } from './loggable';
import type { Logger } from '../../machine';
import type { Envelope } from '../envelope/envelope';
import type { MeasureName, MetricName } from '../ports';
import { textOf } from '../thrown';

/** Counts an event of an envelope, by machine and state. */
export function count({ ports }: InvocationScope, name: MetricName, envelope?: Envelope, state?: string): void {
  ports.metrics.count(name, envelope?.machine, state ?? envelope?.state ?? undefined);
}

/** Returns a logger that adds the ids of the execution to each line. */
export function loggerFor({ ports, definitions }: InvocationScope, { executionId, machine, step }: Envelope): Logger {
  const { logger } = ports;
  // An unknown machine's name is arbitrary text of the sender, so it does not reach the log.
  const ids = { executionId, machine: definitions.current(machine)?.name, step };
  const at =
    (level: keyof Logger): Logger[keyof Logger] =>
    (message, fields) =>
      logger[level](message, { ...ids, ...(fields && loggable(fields)) });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/**
 * Returns the logger of an action. Its fields are nested, so that they can neither replace the ids and the level of the line, nor make
 * CloudWatch read metrics from it, which it does if a line has the member `_aws`.
 */
export function actionLoggerFor(scope: InvocationScope, envelope: Envelope): Logger {
  const logger = loggerFor(scope, envelope);
  const at =
    (level: keyof Logger): Logger[keyof Logger] =>
    (message, fields) =>
      logger[level](textOf(message), fields && { fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Measures a duration of an envelope, by machine and state. */
export function measure(
  { ports }: InvocationScope,
  name: MeasureName,
  milliseconds: number,
  envelope: Envelope,
  state: string,
): void {
  ports.metrics.measure(name, milliseconds, envelope.machine, state);
}
