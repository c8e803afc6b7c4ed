import { checkpointOf } from './checkpoint';
import type { DeliveryScope } from './delivery-scope';
import type { HeldLease } from './held-lease';
import { count } from './report';
import { lastOf, type NextResult, type StepFailure } from './step-result';
import { encodeSuccessor, successorOf } from './successor';
import { commitEarly, forgetPark, recordOrCount, releaseLease } from './tidy';
import type { Definition } from '../definitions/definitions';
import type { Checkpoint, OutgoingEnvelope, Outcome } from '../ports';

/** Dispatches the next step, whose acquisition commits this one. */
export async function dispatchNext(
  scope: DeliveryScope,
  held: HeldLease,
  { hash: definition }: Definition,
  { states, event, context }: NextResult,
): Promise<Outcome | StepFailure> {
  const state = lastOf(states);
  const envelope = successorOf(scope, held, { state, event, context, definition });
  const body = encodeSuccessor(envelope, scope.dispatcher.maxEnvelopeBytes);
  if (body instanceof Error) return { kind: 'failed', states, state, error: body };
  const checkpoint = checkpointOf(scope, held, { outcome: 'dispatched', states, next: event, definition });
  return dispatchSuccessor(scope, held, { envelope, body, checkpoint }, () =>
    count(scope, 'Transition', held.envelope, state),
  );
}

/**
 * Whether a step that has been dispatched would run again if actions of other executions ended this invocation. An ordered source delivers
 * the successor, which commits the step, only after the answer to the whole batch:
 *
 *     execution 1   ── dispatches (s+1) ── commits s                              (s) again: a duplicate ── (s+1)
 *     execution 2   ── runs ────────────────────────── ends the invocation ╳
 */
function mayRunAgain({ delivery, hasNeighbors }: DeliveryScope): boolean {
  return delivery.ordered && hasNeighbors();
}

/**
 * Dispatches the envelope of the next step. No action of this execution may run here afterwards: the invocation that receives the
 * successor continues.
 */
export async function dispatchSuccessor(
  scope: DeliveryScope,
  held: HeldLease,
  outgoing: OutgoingEnvelope & { readonly checkpoint: Checkpoint },
  countDispatch: () => void,
): Promise<Outcome> {
  const { dispatcher, options } = scope;
  const { envelope } = held;
  const delivered = await dispatcher.dispatch(outgoing);
  if (!delivered) {
    await releaseLease(scope, held);
    throw new Error('Neither an event source nor a retry queue accepted the envelope of the next step.');
  }
  if (!delivered.journaled) await recordOrCount(scope, { ...outgoing.checkpoint, place: delivered.place });
  countDispatch();
  if (options.eagerCommit || mayRunAgain(scope)) await commitEarly(scope, held);
  await forgetPark(scope, envelope);
  return 'acknowledge';
}
