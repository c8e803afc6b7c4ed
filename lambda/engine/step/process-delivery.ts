import { acquireLease } from './acquire-lease';
import { complete } from './complete';
import { deadLetter } from './dead-letter';
import type { DeliveryScope } from './delivery-scope';
import { dispatchNext } from './dispatch-next';
import { failStep } from './fail-step';
import type { HeldLease } from './held-lease';
import { isOutcome } from './outcome';
import { park } from './park';
import { redeliverAt } from './postpone';
import { runActions } from './run-actions';
import { screenDelivery } from './screen-delivery';
import { lastOf, type StepFailure, type StepResult } from './step-result';
import { Suspect } from './suspect';
import { forgetDeadAttempt, releaseLease, stopTask } from './tidy';
import type { Definition } from '../definitions/definitions';
import { decodeEnvelope, encodeEnvelope, type Decoded } from '../envelope/codec';
import type { Envelope } from '../envelope/envelope';
import { ContentRefusedError, InvocationDiedError } from '../errors';
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

/** Returns a delivery to its source if its processing throws, and dead-letters it if a service refuses what it carries for good. */
export async function orRedeliver<Result>(
  scope: DeliveryScope,
  process: () => Promise<Result>,
): Promise<Result | Outcome> {
  try {
    return await process();
  } catch (thrown) {
    const { ports, delivery } = scope;
    // A return would repeat the refusal until the source gives up.
    if (thrown instanceof ContentRefusedError && (await isDeadLettered(scope, thrown))) return 'acknowledge';
    ports.metrics.count('Redelivery');
    ports.logger.error(`A record is returned to its source: ${asError(thrown).message}`, { record: delivery.id });
    return redeliverAt(scope, nextRedelivery(delivery.receives, ports.clock.now(), ports.random));
  }
}

async function isDeadLettered(scope: DeliveryScope, { message }: ContentRefusedError): Promise<boolean> {
  const decoded = decodeEnvelope(scope.delivery.body);
  try {
    await deadLetter(scope, message, 'envelope' in decoded ? decoded.envelope : undefined, 'No service accepts it.');
    return true;
  } catch {
    return false;
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
    // Even the failure of the step was refused: nothing of this attempt continues.
    if (thrown instanceof ContentRefusedError) await releaseLease(scope, held);
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
  try {
    return await commitResult(scope, { ...held, omittedStates: result.omittedStates }, plan.definition, result);
  } catch (thrown) {
    if (!(thrown instanceof ContentRefusedError) || !('context' in result)) throw thrown;
    const { states, omittedStates } = result;
    return { kind: 'failed', states, omittedStates, state: lastOf(states), error: thrown };
  }
}

/**
 * Makes the result of the actions durable.
 *
 * @throws ContentRefusedError if a service refuses the result for good. Then nothing is committed, and the lease is held
 */
async function commitResult(
  scope: DeliveryScope,
  ran: HeldLease,
  definition: Definition,
  result: StepResult,
): Promise<Outcome | StepFailure> {
  switch (result.kind) {
    case 'next':
      return dispatchNext(scope, ran, definition, result);
    case 'parked':
      return park(scope, ran, definition, result);
    case 'completed':
      return complete(scope, ran, definition, result);
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
