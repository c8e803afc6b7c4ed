import { checkpointOf } from './checkpoint';
import { recordAndCommit } from './commit';
import type { DeliveryScope } from './delivery-scope';
import type { HeldLease } from './held-lease';
import { count } from './report';
import { lastOf, type CompletedResult, type StepFailure } from './step-result';
import { encodeSuccessor, successorOf } from './successor';
import { emptyMailbox, forgetPark } from './tidy';
import type { Definition } from '../definitions/definitions';
import type { Outcome } from '../ports';

/** Completes an execution that has reached a final state. */
export async function complete(
  scope: DeliveryScope,
  held: HeldLease,
  { hash: definition }: Definition,
  { states, context }: CompletedResult,
): Promise<Outcome | StepFailure> {
  const { envelope } = held;
  const state = lastOf(states);
  // The final context obeys the limits of any other context, although no envelope carries it.
  const fits = encodeSuccessor(
    successorOf(scope, held, { state, event: 'end', context, definition }),
    scope.dispatcher.maxEnvelopeBytes,
  );
  if (fits instanceof Error) return { kind: 'failed', states, state, error: fits };
  const checkpoint = checkpointOf(scope, held, { outcome: 'completed', states, context, definition });
  const committed = await recordAndCommit(scope, held, checkpoint, 'completed');
  if (!committed) return 'acknowledge';
  count(scope, 'Transition', envelope, state);
  count(scope, 'Completed', envelope, state);
  await forgetPark(scope, envelope);
  await emptyMailbox(scope, envelope);
  return 'acknowledge';
}
