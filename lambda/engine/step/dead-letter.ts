import type { DeliveryScope } from './delivery-scope';
import { count } from './report';
import type { Envelope } from '../envelope/envelope';

/**
 * Stores the whole delivery as a dead letter.
 *
 * @param logged text for the log in place of the reason, if the reason may contain payload
 * @param body the message to keep, if it is not the delivered one
 */
export async function deadLetter(
  scope: DeliveryScope,
  reason: string,
  envelope?: Envelope,
  logged = reason,
  body = scope.delivery.body,
): Promise<void> {
  const { ports, delivery } = scope;
  await ports.deadLetters.put({
    reason,
    executionId: envelope?.executionId,
    machine: envelope?.machine,
    body,
    place: delivery.place,
    at: ports.clock.now(),
  });
  count(scope, 'DeadLetter', envelope);
  ports.logger.error(`An envelope was dead-lettered. ${logged}`, {
    record: delivery.id,
    executionId: envelope?.executionId,
  });
}
