import type { DeliveryScope } from './delivery-scope';
import { postpone } from './postpone';
import { count, loggerFor } from './report';
import type { Envelope } from '../envelope/envelope';
import type { Outcome } from '../ports';
import { nextRedelivery } from '../retries/waits';

/** Returns an envelope to its source because the lock store did not answer: nothing is known and nothing was done. */
export function locksUnavailable(scope: DeliveryScope, envelope: Envelope, error: Error): Promise<Outcome> {
  const { clock, random } = scope.ports;
  count(scope, 'LockFailure', envelope);
  loggerFor(scope, envelope).warn(`The lock store did not answer: ${error.message}`);
  const { blocking, receives } = scope.delivery;
  if (!blocking) count(scope, 'Redelivery', envelope);
  return postpone(scope, envelope, nextRedelivery(receives, clock.now(), random));
}
