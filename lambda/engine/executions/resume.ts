import type { ExecutionsContext } from './context';
import { findEnvelope } from './find-envelope';
import { encode } from './sending/sender';
import { wake } from './wake';
import { endOfWaitEnvelope } from '../envelope/create';
import { ExecutionNotFoundError } from '../errors';
import { nextMail } from '../mailbox/wake';
import type { ExecutionStatus, Lock } from '../ports';

/** Sends the envelope that a stalled execution waits for again, or wakes a parked execution and schedules its timeout again. */
export async function resume(context: ExecutionsContext, executionId: string): Promise<'resumed' | ExecutionStatus> {
  const { locks, clock } = context.ports;
  const lock = await locks.read(executionId);
  if (!lock) throw new ExecutionNotFoundError(executionId);
  if (lock.status === 'parked') {
    if (await nextMail(context.ports.mailbox, lock)) {
      await wake(context, lock, 'a waiting event');
      return 'resumed';
    }
    await repeatTimeout(context, lock);
    return 'parked';
  }
  if (lock.status !== 'running' || lock.expires > clock.now()) return lock.status;
  const found = await findEnvelope(context.ports, lock);
  await context.sender.send(found, `the envelope of execution "${executionId}"`);
  return 'resumed';
}

/**
 * Sends the timeout of a parked execution again: it may wait in a retry queue that nothing reads any more. The function keeps it in the
 * present retry queue until it is due. If the first one arrives as well, it finds that the wait is over.
 */
async function repeatTimeout({ ports, sender }: ExecutionsContext, lock: Lock): Promise<void> {
  const { executionId, incarnation, machine, step, fence } = lock;
  const parked = await ports.journal.read(lock, step, fence);
  if (!parked?.timeout) return;
  const { definition, states, timeout, trace } = parked;
  const envelope = endOfWaitEnvelope(
    { executionId, incarnation, machine, step, fence },
    {
      definition,
      state: states.at(-1) ?? null,
      event: timeout.event,
      trace,
      notBefore: timeout.at,
      sentAt: ports.clock.now(),
    },
  );
  await sender.send(encode(envelope), `the timeout of execution "${executionId}"`);
}
