import type { DeliveryScope } from './delivery-scope';
import { executeActions } from './execute-actions';
import type { HeldLease } from './held-lease';
import { actionLoggerFor, measure } from './report';
import { lastOf, type StepResult } from './step-result';
import { eventsOfStep } from '../../machine';
import type { Plan } from '../definitions/definitions';
import { issueToken } from '../mailbox/callback-token';

/** Runs the actions of a held step, and measures how long they take. */
export async function runActions(scope: DeliveryScope, held: HeldLease, plan: Plan): Promise<StepResult> {
  const { actions, deadline, ports } = scope;
  const { envelope, lease } = held;
  const logger = actionLoggerFor(scope, envelope);
  const began = ports.clock.now();
  const result = await executeActions({
    machine: plan.definition.machine,
    step: plan.step,
    envelope,
    lease,
    actions,
    logger,
    deadline,
    clock: ports.clock,
    callbackToken: () =>
      issueToken(ports, envelope, envelope.step, eventsOfStep(plan.definition.machine, plan.step.target.name)),
  });
  scope.actionsEnded();
  const state = result.kind === 'failed' ? result.state : lastOf(result.states);
  measure(scope, 'StepDuration', ports.clock.now() - began, envelope, state);
  return result;
}
