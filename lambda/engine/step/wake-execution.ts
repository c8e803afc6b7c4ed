import type { DeliveryScope } from './delivery-scope';
import { encodeEnvelope } from '../envelope/codec';
import { nextMail, wakeUpOf, type Parked } from '../mailbox/wake';

/**
 * Wakes a parked execution if a mail waits for it. If it has continued since the lock was read, the wake-up is a duplicate.
 *
 * @param parked the lock of the execution, read after its park was committed
 * @throws if the wake-up was not dispatched, so that the delivery is not acknowledged before the wake-up is
 */
export async function wakeExecution({ dispatcher, ports }: DeliveryScope, parked: Parked): Promise<void> {
  if (!(await nextMail(ports.mailbox, parked))) return;
  const envelope = wakeUpOf(parked, ports.clock.now());
  if (await dispatcher.dispatch({ envelope, body: encodeEnvelope(envelope) })) return;
  throw new Error('Neither an event source nor a retry queue accepted the envelope that wakes an execution.');
}
