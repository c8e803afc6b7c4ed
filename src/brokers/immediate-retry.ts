import type { ValidationContext } from './broker';
import { quoteAll, type ValidationErrors } from '../shared/validation-errors';

/** A retry queue of a service that cannot delay messages. */
export interface RetryAtOnceOptions {
  /**
   * Whether to retry failed steps immediately even if their machine defines a backoff. All attempts of a step may then fail within seconds,
   * and an envelope of an execution that another invocation holds is redelivered repeatedly until the execution is free.
   *
   * @default false - synthesis fails if a machine defines a backoff
   */
  readonly ignoreBackoff?: boolean;
}

const MAX_STATES_SHOWN = 3;

/** Adds an error for each machine with a backoff, unless the options accept immediate retries. */
export function refuseBackoff(
  errors: ValidationErrors,
  service: string,
  options: RetryAtOnceOptions,
  context: ValidationContext,
): void {
  if (options.ignoreBackoff) return;
  for (const machine of context.machines) {
    const states = Object.values(machine.states)
      .filter(({ maxRetries, backoff }) => maxRetries > 0 && backoff.baseSeconds > 0)
      .map(({ name }) => name);
    if (states.length === 0) continue;
    const more = states.length > MAX_STATES_SHOWN ? ` and ${states.length - MAX_STATES_SHOWN} more` : '';
    errors.add(
      `${service} cannot delay retries, but machine "${machine.name}" has a backoff in ${quoteAll(states.slice(0, MAX_STATES_SHOWN))}${more}. ` +
        'Set "backoff": { "baseSeconds": 0 } in the machine, use RetryQueue.sqs() or RetryQueue.dynamoDb(), or accept immediate retries with ignoreBackoff: true.',
    );
  }
}
