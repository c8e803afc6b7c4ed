import type { MachineDefinition } from './machine-definition';
import { Problems } from './problems';
import type { Transports } from './workflow-plan';

/** Each hundred have an item of their own. */
const MOST = 100_000;

/** How many executions of each machine may be under way, by the name of the machine; nothing if no machine has a limit. */
export function runningLimitsOf(definitions: readonly MachineDefinition[]): Record<string, number> | undefined {
  const limits = definitions.flatMap(({ _machines, _options: { maxRunningExecutions } }) => (
    maxRunningExecutions === undefined ? [] : _machines.map(({ name }) => [name, maxRunningExecutions] as const)
  ));
  return limits.length > 0 ? Object.fromEntries(limits) : undefined;
}

/** Adds what is wrong with the limits, and with them in this workflow. */
export function checkRunningLimits(problems: Problems, definitions: readonly MachineDefinition[], transports: Transports): void {
  const delays = transports.retryQueue.delays ?? transports.failoverRetryQueue?.delays ?? false;
  for (const { _machines, _options: { maxRunningExecutions, previousVersions = [] } } of definitions) {
    const own = new Problems();
    own.wholeNumber('maxRunningExecutions', maxRunningExecutions, 1, MOST, 'each hundred have an item of their own in the lock table');
    problems.addFrom('machines', own);
    if (maxRunningExecutions !== undefined && !delays) {
      problems.add(
        `machines: maxRunningExecutions of ${_machines.map(({ name }) => `"${name}"`).join(', ')} lets executions wait, but no retry queue can hold them back. ` +
        'Take RetryQueue.sqs() or RetryQueue.dynamoDb() as the retryQueue, or leave the limit out.',
      );
    }
    for (const version of previousVersions) {
      if (version._options.maxRunningExecutions === undefined) continue;
      problems.add('machines: previousVersions: maxRunningExecutions of a previous version would not be used. Give it to the current definition, which it is for, too.');
    }
  }
}
