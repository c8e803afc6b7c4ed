import type { DeliveryScope } from './delivery-scope';
import type { HeldLease } from './held-lease';
import { count } from './report';
import { lastOf } from './step-result';
import { timeoutOf } from './successor';
import { bestEffort, forgetCheckpoint, leaveRunning, releaseLease } from './tidy';
import { contentRefusal } from '../dispatch/content-refusal';
import { ContentRefusedError } from '../errors';
import type { Checkpoint, Lock } from '../ports';
import { hasEnded } from '../ports/lock-store';
import { TASK_VISIBLE_AFTER_MS } from '../retries/waits';
import { asError } from '../thrown';

/**
 * Commits a step that has no successor to commit it. The journal is written first, so that every reader of the status finds the context.
 *
 * @returns false if another attempt or a cancellation has taken the lease
 * @throws ContentRefusedError if the journal or the lock store refuses the content for good. Then the lease is still held
 */
export async function recordAndCommit(
  scope: DeliveryScope,
  held: HeldLease,
  checkpoint: Checkpoint,
  status: 'completed' | 'parked' | 'failed',
  parked?: Pick<Lock, 'accepts' | 'handles'>,
): Promise<boolean> {
  const { dispatcher, ports } = scope;
  const { envelope, lease } = held;
  try {
    await dispatcher.record(checkpoint);
    // The lease stays valid for an action that overran its time: a redrive must not run beside it.
    const busyUntil = held.overrun ? lease.expires : undefined;
    const committed = await ports.locks.commit(lease, status, ports.clock.now(), { ...parked, busyUntil });
    if (!committed) {
      count(scope, 'Orphan', envelope);
      await forgetCheckpoint(scope, checkpoint);
      await bestEffort(ports, () => tidyAfterCancellation(scope, held, checkpoint), { metric: ['CheckpointFailure'] });
    } else if (status !== 'parked') {
      await leaveRunning(scope, envelope, lease.fence);
    }
    return committed;
  } catch (thrown) {
    const refusal =
      thrown instanceof ContentRefusedError
        ? thrown
        : contentRefusal(ports, 'the lock of the execution', [asError(thrown)]);
    // The step fails under this lease.
    if (refusal) throw refusal;
    await releaseLease(scope, held);
    throw thrown;
  }
}

/**
 * Repeats the cleanup of an execution that ended while this attempt ran: its mailbox expired before the secret of the callback token came
 * into it, and the task that has the token may have been too new for Amazon ECS to find it when the cancellation looked for it.
 *
 *     attempt   ── runs the action …              … creates the secret, starts the task ── parks: refused
 *     cancel                          ── mailbox.expire
 */
async function tidyAfterCancellation(scope: DeliveryScope, held: HeldLease, checkpoint: Checkpoint): Promise<void> {
  const { dispatcher, ports } = scope;
  const { outcome, states, definition } = checkpoint;
  if (!hasEnded(await ports.locks.read(checkpoint.executionId))) return;
  if (!ports.tasks || outcome !== 'parked') return;
  const stop = { state: lastOf(states), event: 'end', definition };
  await dispatcher.schedule(timeoutOf(scope, held, stop, ports.clock.now() + TASK_VISIBLE_AFTER_MS));
}
