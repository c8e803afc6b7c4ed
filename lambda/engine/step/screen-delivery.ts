import { deadLetter } from './dead-letter';
import type { DeliveryScope } from './delivery-scope';
import { cannotWait, postpone, redeliverAt } from './postpone';
import { count, loggerFor } from './report';
import { hasLeftWait, takeMail } from './take-mail';
import { invalidEnvelope } from '../dispatch/invalid-envelope';
import type { Decoded } from '../envelope/codec';
import { ENVELOPE_VERSION, type Envelope } from '../envelope/envelope';
import type { Outcome } from '../ports';
import {
  EARLY_TOLERANCE_MS,
  MAX_DELAY_MS,
  MAX_WAIT_FOR_NEWER_RUNTIME_MS,
  nextPollForNewerRuntime,
} from '../retries/waits';

/**
 * Decides from the message alone whether its step may run now.
 *
 * @returns the envelope of a step that may run, or the answer for the source
 * @throws if the delivery must return to its source
 */
export async function screenDelivery(scope: DeliveryScope, decoded: Decoded): Promise<Envelope | Outcome> {
  if ('problems' in decoded) {
    await deadLetter(scope, invalidEnvelope(decoded.problems));
    return 'acknowledge';
  }
  const { envelope } = decoded;
  const { deadline, delivery, dispatcher, ports } = scope;
  const now = ports.clock.now();
  if (deadline.signal.aborted) return redeliverAt(scope, now);
  // A copy counts its deliveries from 1. If no queue accepts one, the step may still succeed.
  if (delivery.nearReceiveLimit && (await dispatcher.renew(envelope, delivery.body))) return 'acknowledge';
  if (envelope.version > ENVELOPE_VERSION) return leaveToNewerRuntime(scope, envelope, now);
  const { notBefore = 0 } = envelope;
  if (notBefore > now + MAX_DELAY_MS) {
    await deadLetter(
      scope,
      'The envelope must not run for more than a year: expected a delay of at most 366 days.',
      envelope,
    );
    return 'acknowledge';
  }
  // The envelope waits even in a queue that cannot delay: until then, an action may still be running.
  if (notBefore > now + EARLY_TOLERANCE_MS) {
    // A long timeout passes here every 15 minutes on its way through a queue, and its execution may have left the wait long ago.
    if (envelope.timeout && (await hasLeftWait(scope, envelope))) return takeMail(scope, envelope, now);
    if (cannotWait(scope, notBefore - now)) {
      await deadLetter(
        scope,
        `The envelope must not run before ${new Date(notBefore).toISOString()}, and no retry queue of the workflow can delay it: add RetryQueue.sqs() or RetryQueue.dynamoDb().`,
        envelope,
      );
      return 'acknowledge';
    }
    return postpone(scope, envelope, notBefore, delivery.body);
  }
  if (envelope.timeout || envelope.wakes) return takeMail(scope, envelope, now);
  return envelope;
}

/**
 * Keeps an envelope of a newer version for the newer function, whose deployment is under way or was rolled back. This runtime does not
 * know the new version, so it forwards the message byte by byte.
 *
 *     old function ── receives version 2 ── returns it to the queue, or into the retry queue … again, less and less often …
 *     new function        … is deployed …                                                  ── receives version 2 ── runs it
 */
async function leaveToNewerRuntime(scope: DeliveryScope, envelope: Envelope, now: number): Promise<Outcome> {
  const age = Math.abs(now - envelope.sentAt);
  const reason = `The envelope has version ${envelope.version}; this runtime runs version ${ENVELOPE_VERSION}.`;
  const circulates = cannotWait(scope, age);
  if (age > MAX_WAIT_FOR_NEWER_RUNTIME_MS || circulates) {
    await deadLetter(
      scope,
      `${reason} No newer runtime received it within ${circulates ? '20 minutes, and no retry queue of the workflow can delay it' : '14 days'}: deploy the newer version of the library and send the message again.`,
      envelope,
    );
    return 'acknowledge';
  }
  count(scope, 'Redelivery', envelope);
  loggerFor(scope, envelope).warn(`${reason} It waits for a newer runtime.`);
  const { random } = scope.ports;
  return postpone(scope, envelope, nextPollForNewerRuntime(age, now, random), scope.delivery.body);
}
