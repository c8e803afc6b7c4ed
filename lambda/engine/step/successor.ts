import type { DeliveryScope } from './delivery-scope';
import type { HeldLease } from './held-lease';
import { assertFits, encodeEnvelope } from '../envelope/codec';
import { endOfWaitEnvelope, successorEnvelope } from '../envelope/create';
import type { Envelope } from '../envelope/envelope';
import { TIMEOUT } from '../mailbox/wake';
import { asError } from '../thrown';

/** Returns the envelope of the step that follows a held one. */
export function successorOf(
  { ports }: DeliveryScope,
  { envelope, lease, span }: HeldLease,
  next: Pick<Envelope, 'state' | 'event' | 'context' | 'definition'>,
): Envelope {
  const { executionId, incarnation, machine, step } = envelope;
  const sentAt = ports.clock.now();
  const { fence } = lease;
  return successorEnvelope(
    { executionId, incarnation, machine, step, fence },
    { ...next, taken: takenBy(envelope), trace: span?.trace, sentAt },
  );
}

/** The mail that the execution took last, at this step or before it, and that may not have been removed yet. */
export function takenBy({ mail, taken }: Pick<Envelope, 'mail' | 'taken'>): string | undefined {
  return mail === TIMEOUT ? undefined : (mail ?? taken);
}

/**
 * Returns the envelope that ends the wait that begins with a held step.
 *
 * @param notBefore when the wait is over, in milliseconds since the epoch
 */
export function timeoutOf(
  { ports }: DeliveryScope,
  { envelope, lease, span }: HeldLease,
  next: Pick<Envelope, 'state' | 'event' | 'definition'>,
  notBefore: number,
): Envelope {
  const { executionId, incarnation, machine, step } = envelope;
  const sentAt = ports.clock.now();
  return endOfWaitEnvelope(
    { executionId, incarnation, machine, step, fence: lease.fence },
    { ...next, trace: span?.trace, notBefore, sentAt },
  );
}

/**
 * Encodes the envelope of the next step.
 *
 * @returns an error if the actions left a context that is not JSON or that is too large: then the step has failed
 */
export function encodeSuccessor(envelope: Envelope, maxBytes: number): string | Error {
  try {
    const body = encodeEnvelope(envelope);
    assertFits(body, maxBytes, envelope.state ?? '');
    return body;
  } catch (thrown) {
    return asError(thrown);
  }
}
