import { renewLease } from './acquire-lease';
import { checkpointOf } from './checkpoint';
import { recordAndCommit } from './commit';
import { deadLetter } from './dead-letter';
import type { DeliveryScope } from './delivery-scope';
import { dispatchSuccessor } from './dispatch-next';
import { failureOf, locationOf } from './failure';
import type { HeldLease } from './held-lease';
import { count, loggerFor } from './report';
import type { StepFailure } from './step-result';
import { successorOf } from './successor';
import { recordOrCount, releaseLease } from './tidy';
import { CATCH, stateOf, type Failure, type State } from '../../machine';
import type { Definition } from '../definitions/definitions';
import { contentRefusal } from '../dispatch/content-refusal';
import { encodeEnvelope } from '../envelope/codec';
import { redrivenEnvelope } from '../envelope/create';
import type { Envelope } from '../envelope/envelope';
import { ContentRefusedError, DeadlineError, LocalTransitionsError } from '../errors';
import type { Checkpoint, Outcome } from '../ports';
import { attemptOf } from '../ports/lock-store';
import { fullJitter } from '../retries/backoff';
import { asError } from '../thrown';

/** A held step whose attempt failed. */
interface FailedStep extends HeldLease {
  readonly failure: Failure;
  /** The states that were entered before the failure. */
  readonly states: readonly string[];
}

/** Retries a step, takes the `catch` transition of its state, or fails the execution. */
export async function failStep(scope: DeliveryScope, held: HeldLease, result: StepFailure): Promise<Outcome> {
  const { kind, states, error } = result;
  const step: FailedStep = {
    ...held,
    states,
    omittedStates: result.omittedStates,
    failure: failureOf(error, result.state, held.lease),
    // An action that overran its time may still be running: nothing continues until its invocation must have ended.
    overrun: error instanceof DeadlineError,
  };
  if (kind === 'failed') reportError(scope, held, result);
  if (step.plan instanceof Error) return failExecution(scope, step);
  const { definition } = step.plan;
  const state = stateOf(definition.machine, result.state);
  const mayHelp = kind === 'failed' && !(error instanceof LocalTransitionsError);
  if (mayHelp && state && (isExcused(step) || step.envelope.attempt < state.maxRetries)) {
    const retried = await unlessRefused(() => retryStep(scope, step, state));
    if (retried) return retried;
    // The retry begins with the release of the lease, unless an action may still be running.
    return step.overrun
      ? catchOrFail(scope, step, state, definition)
      : catchOrFail(scope, { ...step, ...(await renewLease(scope, step)) }, state, definition);
  }
  return catchOrFail(scope, step, state, definition);
}

/** Ends a step that has no retry left, or whose retry no queue accepts. */
async function catchOrFail(
  scope: DeliveryScope,
  step: FailedStep,
  state: State | undefined,
  definition: Definition,
): Promise<Outcome> {
  const caught = state?.catch && (await unlessRefused(() => catchFailure(scope, step, state, definition)));
  return caught ?? failExecution(scope, step);
}

/** @returns nothing if the services refuse for good what the request carries. The failure that led to the request is the one to report */
async function unlessRefused<Answer>(request: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await request();
  } catch (thrown) {
    if (thrown instanceof ContentRefusedError) return undefined;
    throw thrown;
  }
}

/** Whether the attempt does not count: actions of other executions may have used up the time that it lacked. Its next attempt runs alone. */
function isExcused({ alone, overrun }: FailedStep): boolean {
  return overrun === true && !alone;
}

function reportError(scope: DeliveryScope, { envelope, lease }: HeldLease, { error, state }: StepFailure): void {
  count(scope, 'Error', envelope, state);
  loggerFor(scope, envelope).error(
    `The step into state "${state}" failed with ${locationOf(error)}. The checkpoint table has the message.`,
    { attempt: attemptOf(lease), ...(scope.options.logErrorMessages && { error }) },
  );
}

/** Stores the original envelope as the next attempt, delayed by the backoff of the state. */
async function retryStep(scope: DeliveryScope, step: FailedStep, state: State): Promise<Outcome> {
  const { ports, dispatcher } = scope;
  const { envelope, failure, lease, overrun, span, states } = step;
  const due = ports.clock.now() + fullJitter(state.backoff, envelope.attempt, ports.random);
  await releaseLease(scope, step);
  const original = originalEnvelope(scope);
  const attempt = isExcused(step) ? envelope.attempt : envelope.attempt + 1;
  const notBefore = overrun ? Math.max(due, lease.expires) : due;
  // The first attempt decides whether the execution is traced, and this may be the first attempt.
  const trace = original.trace ?? span?.trace;
  const delivered = await dispatcher.schedule({ ...original, attempt, notBefore, trace });
  if (!delivered) throw new Error('No retry queue accepted the envelope of a failed step.');
  count(scope, 'Retry', envelope, state.name);
  await recordOrCount(scope, {
    ...checkpointOf(scope, step, { outcome: 'retrying', states, error: failure }),
    place: delivered.place,
  });
  return 'acknowledge';
}

/** Dispatches the `catch` transition of a state that has no retry left. */
async function catchFailure(
  scope: DeliveryScope,
  step: FailedStep,
  state: State,
  { hash: definition }: Definition,
): Promise<Outcome> {
  const { failure, lease, overrun, states } = step;
  const { context } = originalEnvelope(scope);
  const envelope: Envelope = {
    ...successorOf(scope, step, { state: state.name, event: CATCH, context, definition }),
    error: failure,
    notBefore: overrun ? lease.expires : undefined,
  };
  const checkpoint = checkpointOf(scope, step, {
    outcome: 'dispatched',
    states,
    next: CATCH,
    error: failure,
    definition,
  });
  return dispatchSuccessor(scope, step, { envelope, body: encodeEnvelope(envelope), checkpoint }, () =>
    count(scope, 'Caught', step.envelope, state.name),
  );
}

/** Fails the execution: nothing retries it automatically, and a redrive resumes it from this step. */
async function failExecution(scope: DeliveryScope, step: FailedStep): Promise<Outcome> {
  const { envelope, failure, lease, overrun, states } = step;
  // A redrive must not run concurrently with an action that overran its time.
  const redrivable = { ...originalEnvelope(scope), notBefore: overrun ? lease.expires : undefined };
  // Moved back to its source, the dead letter redrives the execution. A late copy of the last attempt does not.
  const redriven = redrivenEnvelope(redrivable, { ...redrivable, fence: lease.fence });
  const reason = `${failure.name}: ${failure.message}`;
  const logged = scope.options.logErrorMessages ? reason : `${failure.name}.`;
  let isKept = true;
  try {
    await deadLetter(
      scope,
      reason,
      envelope,
      `The step into state "${failure.state}" failed permanently with ${logged}`,
      encodeEnvelope(redriven),
    );
  } catch (thrown) {
    const refusal = contentRefusal(scope.ports, 'the dead letter', [asError(thrown)]);
    if (!refusal) {
      await releaseLease(scope, step);
      throw thrown;
    }
    isKept = false;
    loggerFor(scope, envelope).error(`The execution fails without a dead letter. ${refusal.message}`);
  }
  const checkpoint = checkpointOf(scope, step, { outcome: 'failed', states, error: failure, envelope: redrivable });
  const commit = (entry: Checkpoint) => recordAndCommit(scope, step, entry, 'failed');
  const committed = await commit(checkpoint).catch((thrown: unknown) => {
    // The dead letter has the envelope. Without either, the source must keep it.
    if (isKept && thrown instanceof ContentRefusedError) return commit(smallest(checkpoint));
    throw thrown;
  });
  if (committed) count(scope, 'Fatal', envelope, failure.state);
  return 'acknowledge';
}

/** The entry of a failure without everything that the journal may refuse. */
function smallest({ envelope: _envelope, states: _states, error, ...entry }: Checkpoint): Checkpoint {
  const message = 'The checkpoint table refuses the message and the envelope. The dead letter has both.';
  return { ...entry, states: [], error: error && { ...error, message, cause: undefined, errors: undefined } };
}

/**
 * Returns the envelope as it was delivered, including members that this version does not know. The actions may have partly changed the
 * context of the decoded envelope. Only a failed attempt needs the original, so no other attempt pays for a copy.
 */
function originalEnvelope({ delivery }: DeliveryScope): Envelope {
  // The body was decoded and validated when the delivery arrived.
  return JSON.parse(delivery.body) as Envelope;
}
