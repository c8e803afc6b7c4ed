import type { DeliveryScope } from './delivery-scope';
import type { HeldLease } from './held-lease';
import type { Checkpoint } from '../ports';
import { attemptOf } from '../ports/lock-store';

/** Returns the journal entry of an attempt. */
export function checkpointOf(
  { ports }: DeliveryScope,
  { envelope, lease, omittedStates, startedAt }: HeldLease,
  result: Pick<Checkpoint, 'outcome' | 'states'> & Partial<Checkpoint>,
): Checkpoint {
  return {
    executionId: envelope.executionId,
    incarnation: envelope.incarnation,
    machine: envelope.machine,
    step: envelope.step,
    fence: lease.fence,
    parent: lease.parent,
    attempt: attemptOf(lease),
    source: envelope.state,
    event: envelope.event,
    startedAt,
    endedAt: ports.clock.now(),
    omittedStates,
    ...result,
  };
}
