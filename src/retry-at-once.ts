import type { WorkflowPlan } from './binding';
import type { Problems } from './problems';

/** A retry queue whose service cannot hold a message back. */
export interface RetryAtOnceOptions {
  /**
   * Whether a failed step may be tried again at once although its machine asks for a backoff. All attempts of a step can then be over
   * within seconds, and an execution that is busy elsewhere is asked for again and again until it no longer is.
   *
   * @default false - a workflow with a machine that asks for a backoff is refused
   */
  readonly ignoreBackoff?: boolean;
}

/** Adds a problem for each machine that asks for what a service cannot do. */
export function refuseBackoff(problems: Problems, service: string, options: RetryAtOnceOptions, plan: WorkflowPlan): void {
  if (options.ignoreBackoff) return;
  for (const machine of plan.machines) {
    const states = Object.values(machine.states).filter(({ maxRetries, backoff }) => maxRetries > 0 && backoff.baseSeconds > 0);
    if (states.length === 0) continue;
    const names = states.slice(0, 3).map(({ name }) => `"${name}"`).join(', ');
    const more = states.length > 3 ? ` and ${states.length - 3} more` : '';
    problems.add(
      `${service} cannot hold a retry back, but machine "${machine.name}" asks for a backoff in ${names}${more}. ` +
      'Set "backoff": { "baseSeconds": 0 } in the machine, take RetryQueue.sqs() or RetryQueue.dynamoDb(), or accept retries at once with ignoreBackoff: true.',
    );
  }
}
