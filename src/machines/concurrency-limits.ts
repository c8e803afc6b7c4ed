import type { MachineDefinition } from './machine-definition';
import { quoteAll, ValidationErrors } from '../shared/validation-errors';

/** The lock table has one item for every 10 executions of a limit. */
const MAX_LIMIT = 100_000;

/** @returns the limit of each limited machine by the machine's name; undefined if no machine is limited */
export function concurrencyLimitsOf(definitions: readonly MachineDefinition[]): Record<string, number> | undefined {
  const limits = definitions.flatMap(({ _machines, _options: { maxRunningExecutions } }) =>
    maxRunningExecutions === undefined ? [] : _machines.map(({ name }) => [name, maxRunningExecutions] as const),
  );
  return limits.length > 0 ? Object.fromEntries(limits) : undefined;
}

/** @param canDelay whether a retry queue of the workflow can delay the executions that exceed a limit */
export function checkConcurrencyLimits(
  errors: ValidationErrors,
  definitions: readonly MachineDefinition[],
  canDelay: boolean,
): void {
  for (const { _machines, _options } of definitions) {
    const { maxRunningExecutions, previousVersions = [] } = _options;
    const own = new ValidationErrors();
    own.checkInteger('maxRunningExecutions', maxRunningExecutions, {
      min: 1,
      max: MAX_LIMIT,
      reason: 'every 10 executions use one item of the lock table',
    });
    errors.addFrom('machines', own);
    if (maxRunningExecutions !== undefined && !canDelay) {
      errors.add(
        `machines: maxRunningExecutions of ${quoteAll(_machines.map(({ name }) => name))} requires a retry queue that can delay executions. ` +
          'Use RetryQueue.sqs() or RetryQueue.dynamoDb() as the retryQueue or the failoverRetryQueue, or omit maxRunningExecutions.',
      );
    }
    if (previousVersions.some((version) => version._options.maxRunningExecutions !== undefined)) {
      errors.add(
        'machines: previousVersions: maxRunningExecutions of a previous version has no effect. Set it on the current definition, whose limit includes the executions of previous versions.',
      );
    }
  }
}
