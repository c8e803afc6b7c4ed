import { acquireLease } from './acquire-lease';
import { complete } from './complete';
import type { DeliveryScope } from './delivery-scope';
import { dispatchNext } from './dispatch-next';
import { failStep } from './fail-step';
import type { HeldLease } from './held-lease';
import { isOutcome } from './outcome';
import { park } from './park';
import { redeliverAt } from './postpone';
import { runActions } from './run-actions';
import { screenDelivery } from './screen-delivery';
import type { StepFailure } from './step-result';
import { Suspect } from './suspect';
import { forgetDeadAttempt, stopTask } from './tidy';
import { encodeEnvelope, type Decoded } from '../envelope/codec';
import type { Envelope } from '../envelope/envelope';
import { InvocationDiedError } from '../errors';
import type { Outcome } from '../ports';
import { nextRedelivery } from '../retries/waits';
import { asError } from '../thrown';

/**
 * Takes one delivery through the transition protocol:
 *
 *     screen ──▶ acquire the lease ──▶ run the actions ──▶ dispatch the next step, park or complete ──▶ answer the source
 *        │               │                    │                            │
 *        │               │                    └── retry, catch or fail ◀───┘
 *        ▼               ▼                                 │
 *      answer          answer                              └──────────────────────────────────────────▶ answer the source
 *
 * Never throws: an unexpected error returns this delivery to its source, and the rest of the batch continues.
 *
 * @returns the answer for the source, or a suspect that may run only alone
 */
export function processDelivery(scope: DeliveryScope, decoded: Decoded): Promise<Outcome | Suspect> {
  return orRedeliver(scope, async () => {
    const envelope = await screenDelivery(scope, decoded);
    if (isOutcome(envelope)) return envelope;
    const stepScope = scopeOfStep(scope, decoded, envelope);
    const held = await acquireLease(stepScope, envelope);
    if (isOutcome(held) || held instanceof Suspect) return held;
    return takeStep(stepScope, held);
  });
}

/** The scope of a step that a wake-up drives: its own envelope is what is retried, and the wake-up is what must wait. */
function scopeOfStep(scope: DeliveryScope, decoded: Decoded, envelope: Envelope): DeliveryScope {
  if (!('envelope' in decoded) || decoded.envelope === envelope) return scope;
  return { ...scope, delivery: { ...scope.delivery, body: encodeEnvelope(envelope) }, wakeUp: decoded.envelope };
}

/** Returns a delivery to its source if its processing throws. */
export async function orRedeliver<Result>(
  scope: DeliveryScope,
  process: () => Promise<Result>,
): Promise<Result | Outcome> {
  try {
    return await process();
  } catch (thrown) {
    const { ports, delivery } = scope;
    ports.metrics.count('Redelivery');
    ports.logger.error(`A record is returned to its source: ${asError(thrown).message}`, { record: delivery.id });
    return redeliverAt(scope, nextRedelivery(delivery.receives, ports.clock.now(), ports.random));
  }
}

/** Runs the step of a held lease to its commit or failure, and ends its span in the trace. */
async function takeStep(scope: DeliveryScope, held: HeldLease): Promise<Outcome> {
  const tidied = tidyUpPredecessors(scope, held);
  let error: Error | undefined;
  try {
    const result = await runStep(scope, held);
    if (isOutcome(result)) return result;
    error = result.error;
    return await failStep(scope, held, result);
  } catch (thrown) {
    error ??= asError(thrown);
    throw thrown;
  } finally {
    held.span?.end(error?.name);
    await tidied;
  }
}

/** Runs the actions and commits their result. A failure has changed nothing outside the actions. */
async function runStep(scope: DeliveryScope, held: HeldLease): Promise<Outcome | StepFailure> {
  const { envelope, plan, deaths } = held;
  if (plan instanceof Error) return { kind: 'unrunnable', states: [], state: envelope.state ?? '', error: plan };
  const { target } = plan.step;
  if (deaths > target.maxRetries) {
    return { kind: 'died', states: [], state: target.name, error: new InvocationDiedError(target.name, deaths) };
  }
  const result = await runActions(scope, held, plan);
  const ran = { ...held, omittedStates: result.omittedStates };
  switch (result.kind) {
    case 'next':
      return dispatchNext(scope, ran, plan.definition, result);
    case 'parked':
      return park(scope, ran, plan.definition, result);
    case 'completed':
      return complete(scope, ran, plan.definition, result);
    default:
      return result;
  }
}

/** Starts the cleanup after earlier steps and attempts, which runs concurrently with the actions. */
function tidyUpPredecessors(scope: DeliveryScope, { envelope, lease, followsDeath }: HeldLease): Promise<unknown> {
  return Promise.all([
    ...(envelope.abandonsTask ? [stopTask(scope, envelope)] : []),
    // Only the latest: each attempt cleans up after the one before it.
    ...(followsDeath ? [forgetDeadAttempt(scope, { ...lease, fence: lease.fence - 1 })] : []),
  ]);
}
