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

/**
 * Stores an envelope that names another machine than its execution runs.
 *
 * @param machine the machine that the execution runs. The name in the envelope is text of an unknown sender, so the log does not contain it
 */
export function deadLetterForged(scope: DeliveryScope, envelope: Envelope, machine: string): Promise<void> {
  return deadLetter(
    scope,
    `The envelope names another machine than its execution runs, which is "${machine}": no attempt of the execution sent it. Find its sender, which may send to an event source or retry queue of the workflow.`,
    envelope,
  );
}
