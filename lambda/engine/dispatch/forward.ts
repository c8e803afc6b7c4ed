import type { IdleTracker } from './batcher';
import { contentRefusal } from './content-refusal';
import type { EnvelopeSender } from './envelope-sender';
import { invalidEnvelope } from './invalid-envelope';
import { toError } from '../../machine/to-error';
import { decodeEnvelope } from '../envelope/codec';
import type { Place, Ports } from '../ports';

/** A message that its service does not deliver, or no longer. */
export interface StoredMessage {
  readonly body: string;
  readonly place: Place;
}

/**
 * Sends stored messages on, unchanged. A message that is not an envelope, or that no transport will ever accept, becomes a dead letter.
 *
 * @returns for each message, in order, whether a transport or the dead-letter queue has accepted it
 */
export function forward(
  ports: Ports,
  sender: EnvelopeSender,
  idle: IdleTracker,
  messages: readonly StoredMessage[],
): Promise<readonly boolean[]> {
  return Promise.all(
    messages.map((message) =>
      idle.work(async () => {
        const { body } = message;
        const decoded = decodeEnvelope(body);
        if ('problems' in decoded) return deadLetter(ports, message, invalidEnvelope(decoded.problems));
        const errors: Error[] = [];
        const delivered = await sender.dispatch({ envelope: decoded.envelope, body }, ({ error }) =>
          errors.push(error),
        );
        const refusal = delivered ? undefined : contentRefusal(ports, 'a stored envelope', errors);
        // It would be sent again and again, and never accepted.
        return refusal ? deadLetter(ports, message, refusal.message) : delivered !== undefined;
      }),
    ),
  );
}

/** @returns whether it was dead-lettered. A failure must not affect the other messages */
export async function deadLetter(
  { deadLetters, metrics, logger, clock }: Ports,
  { body, place }: StoredMessage,
  reason: string,
): Promise<boolean> {
  try {
    await deadLetters.put({ reason, body, place, at: clock.now() });
  } catch (thrown) {
    logger.error(`A message in ${place.resource} was not dead-lettered: ${toError(thrown).message}`);
    return false;
  }
  metrics.count('DeadLetter');
  return true;
}
