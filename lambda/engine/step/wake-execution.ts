import { deadLetter } from './dead-letter';
import type { DeliveryScope } from './delivery-scope';
import { encodeEnvelope } from '../envelope/codec';
import { ContentRefusedError } from '../errors';
import { nextMail, wakeUpOf, type Parked } from '../mailbox/wake';

/**
 * Wakes a parked execution if a mail waits for it. If it has continued since the lock was read, the wake-up is a duplicate.
 *
 * @param parked the lock of the execution, read after its park was committed
 * @throws if the wake-up was not dispatched, so that the delivery is not acknowledged before the wake-up is
 */
export async function wakeExecution(scope: DeliveryScope, parked: Parked): Promise<void> {
  const { dispatcher, ports } = scope;
  if (!(await nextMail(ports.mailbox, parked))) return;
  const envelope = wakeUpOf(parked, ports.clock.now());
  const body = encodeEnvelope(envelope);
  try {
    if (await dispatcher.dispatch({ envelope, body })) return;
  } catch (thrown) {
    if (!(thrown instanceof ContentRefusedError)) throw thrown;
    // The park is committed, so its step cannot fail any more.
    await deadLetter(scope, thrown.message, envelope, 'No service accepts the wake-up.', body);
    return;
  }
  throw new Error('Neither an event source nor a retry queue accepted the envelope that wakes an execution.');
}
