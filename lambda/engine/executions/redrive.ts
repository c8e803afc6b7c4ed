import type { ExecutionsContext } from './context';
import { encode } from './sending/sender';
import { redrivenEnvelope } from '../envelope/create';
import { ExecutionNotFoundError, NotFailedError } from '../errors';

/** Options of a redrive. */
export interface RedriveOptions {
  /**
   * Continue with the deployed definition of the machine, whatever its upgrade policy is. Use it for an execution that was stopped because
   * the definition changed.
   *
   * @default false - the upgrade policy decides
   */
  readonly moveToCurrent?: boolean;
}

/** Reopens the lock of a failed execution, and then sends the envelope of the failed step again. */
export async function redrive(
  { ports, sender }: ExecutionsContext,
  executionId: string,
  { moveToCurrent = false }: RedriveOptions = {},
): Promise<void> {
  const { locks, journal, clock } = ports;
  const lock = await locks.read(executionId);
  if (!lock) throw new ExecutionNotFoundError(executionId);
  // The failure that the lock records, or one that an earlier redrive reopened and did not send. A later failure whose commit is pending
  // must stay.
  const fence = lock.status === 'failed' ? lock.fence : lock.released;
  const failed = await journal.read(lock, lock.step, fence);
  if (failed?.outcome !== 'failed' || (lock.status !== 'failed' && lock.status !== 'running')) {
    throw new NotFailedError(executionId, lock.status);
  }
  if (!failed.envelope) {
    throw new NotFailedError(
      executionId,
      lock.status,
      'only its dead letter has the envelope. Move it back to its source.',
    );
  }
  // The lock comes first: an envelope that arrived before it would be dropped as a duplicate. A caller that crashes between the two may
  // call again. The lock is reopened for this failure only: the envelope of a later failure may have to wait for an action that is still
  // running.
  if (lock.status === 'failed' && !(await locks.reopen(lock, clock.now()))) {
    throw new NotFailedError(executionId, 'changing');
  }
  const envelope = redrivenEnvelope(failed.envelope, {
    definition: moveToCurrent ? undefined : failed.envelope.definition,
    fence: failed.fence,
    sentAt: clock.now(),
  });
  await sender.send(encode(envelope), `the envelope of execution "${executionId}"`);
  await journal.expire(lock, failed.step, failed.fence);
}
