import { checkpointOf } from './checkpoint';
import { recordAndCommit } from './commit';
import type { DeliveryScope } from './delivery-scope';
import type { HeldLease } from './held-lease';
import { count } from './report';
import { lastOf, type ParkedResult, type StepFailure } from './step-result';
import { encodeSuccessor, successorOf, timeoutOf } from './successor';
import { forgetPark, releaseLease } from './tidy';
import { wakeExecution } from './wake-execution';
import { stateOf } from '../../machine';
import type { Definition } from '../definitions/definitions';
import { handledEvents } from '../mailbox/events';
import type { Outcome, PendingTimeout } from '../ports';

/** Parks an execution until an external event or its timeout wakes it. */
export async function park(
  scope: DeliveryScope,
  held: HeldLease,
  { machine, hash: definition }: Definition,
  { states, context }: ParkedResult,
): Promise<Outcome | StepFailure> {
  const { envelope, span } = held;
  const state = lastOf(states);
  const { on = {}, timeout } = stateOf(machine, state) ?? {};
  const accepts = Object.keys(on);
  const fits = encodeSuccessor(
    successorOf(scope, held, { state, event: 'wait', context, definition }),
    scope.dispatcher.maxEnvelopeBytes,
  );
  if (fits instanceof Error) return { kind: 'failed', states, state, error: fits };
  const pending = timeout && { event: timeout.event, at: scope.ports.clock.now() + timeout.seconds * 1_000 };
  if (pending) await scheduleTimeout(scope, held, pending, state, definition);
  const checkpoint = checkpointOf(scope, held, {
    outcome: 'parked',
    states,
    context,
    definition,
    timeout: pending,
    trace: span?.trace,
  });
  const handles = handledEvents(machine, state, true);
  const lock = {
    ...held.lease,
    machine: envelope.machine,
    state,
    mail: envelope.mail ?? envelope.taken,
    accepts,
  };
  await removeTaken(scope, held);
  const committed = await recordAndCommit(scope, held, checkpoint, 'parked', { accepts, handles });
  if (!committed) return 'acknowledge';
  count(scope, 'Transition', envelope, state);
  count(scope, 'Parked', envelope, state);
  await forgetPark(scope, envelope);
  await wakeExecution(scope, lock);
  return 'acknowledge';
}

/**
 * Removes the mail that an earlier step took, before the execution looks into its mailbox again. The acquisition of this step has committed
 * that step, so no attempt needs the mail.
 */
async function removeTaken(scope: DeliveryScope, held: HeldLease): Promise<void> {
  const { executionId, taken } = held.envelope;
  if (taken === undefined) return;
  try {
    await scope.ports.mailbox.remove(executionId, taken);
  } catch (thrown) {
    await releaseLease(scope, held);
    throw thrown;
  }
}

/**
 * Schedules the timeout before the park is committed: after the commit, a crash could leave the execution without one. If the commit never
 * happens, the timeout is an orphan.
 */
async function scheduleTimeout(
  scope: DeliveryScope,
  held: HeldLease,
  { event, at }: PendingTimeout,
  state: string,
  definition: string,
): Promise<void> {
  const { dispatcher } = scope;
  const envelope = timeoutOf(scope, held, { state, event, definition }, at);
  if (await dispatcher.schedule(envelope)) return;
  await releaseLease(scope, held);
  throw new Error(`No retry queue that can delay a message accepted the timeout of the state "${state}".`);
}
