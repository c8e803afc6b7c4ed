import type { ExecutionsContext } from './context';
import { encode } from './sending/sender';
import { endOfWaitEnvelope } from '../envelope/create';
import { ExecutionNotFoundError } from '../errors';
import type { Checkpoint, Lock } from '../ports';
import { attemptOf } from '../ports/lock-store';

/** The event that the journal records for a cancellation. */
const CANCEL = '$cancel';

/** Ends an execution under a new fence, so that no envelope in flight continues it, and then records the end. */
export async function cancel(context: ExecutionsContext, executionId: string): Promise<'cancelled' | 'completed'> {
  const { locks, journal, mailbox, clock } = context.ports;
  // The record of the execution expires some time after the cancellation, and a client knows the time of its services from a response.
  const known = await locks.read(executionId);
  const lock = known && (await locks.cancel(executionId, clock.now()));
  if (!lock) throw new ExecutionNotFoundError(executionId);
  if (lock.status === 'completed') return 'completed';
  // The cancellation has the fence that follows the fence of the attempt that it ended.
  const ended = await journal.read(lock, lock.step, lock.fence - 1);
  const [error] = await journal.write([cancellation(lock, ended)]);
  if (error) throw error;
  if (ended?.outcome === 'parked' || ended?.outcome === 'failed') {
    await journal.expire(lock, ended.step, ended.fence);
  }
  await mailbox.expire(lock);
  const hadBegun = lock.fence - 1 > 0;
  if (context.runTasks && hadBegun) await endWait(context, lock, ended);
  return 'cancelled';
}

/**
 * Ends the wait of a canceled execution with the envelope of a timeout, so that the workflow's function stops the task that the execution
 * waits for; the canceling client has no permission to stop it. Best effort: no envelope continues the execution.
 */
async function endWait({ ports, sender }: ExecutionsContext, lock: Lock, ended: Checkpoint | undefined): Promise<void> {
  const { executionId, incarnation, machine, step, fence, state } = lock;
  const envelope = endOfWaitEnvelope(
    { executionId, incarnation, machine, step, fence: fence - 1 },
    {
      definition: ended?.definition,
      state: ended?.states.at(-1) ?? state,
      event: CANCEL,
      sentAt: ports.clock.now(),
    },
  );
  await sender.sendAll(1, () => ({ outgoing: encode(envelope), what: 'the end of a wait' }));
}

/** The journal entry of a cancellation: where the execution was, and its context if it was not running. */
function cancellation(lock: Lock, ended: Checkpoint | undefined): Checkpoint {
  const { executionId, incarnation, machine, step, fence, parent, updatedAt } = lock;
  return {
    executionId,
    incarnation,
    machine,
    definition: ended?.definition,
    step,
    fence,
    parent,
    attempt: attemptOf(lock),
    outcome: 'cancelled',
    // A pending execution has no state.
    source: ended?.states.at(-1) ?? (lock.state || null),
    event: CANCEL,
    states: [],
    startedAt: updatedAt,
    endedAt: updatedAt,
    context: ended?.context ?? ended?.envelope?.context,
  };
}
