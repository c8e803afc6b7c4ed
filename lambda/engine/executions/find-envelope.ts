import { isObject } from '../../machine/is-object';
import type { Envelope } from '../envelope/envelope';
import { NotResumableError } from '../errors';
import type { Lock, OutgoingEnvelope, Place, ClientPorts } from '../ports';

/**
 * Finds the envelope that a stalled execution waits for, in the places that its checkpoints record.
 *
 * It is the successor of the latest acquired step, if that step has sent one, and otherwise the envelope of that step. Sending it again
 * does not harm an execution that would have continued anyway: the second delivery is a duplicate.
 *
 * @throws NotResumableError if the service that stores the envelope cannot read single messages, or no longer has it
 */
export async function findEnvelope(
  ports: Pick<ClientPorts, 'eventSources' | 'retryQueues' | 'journal'>,
  lock: Lock,
): Promise<OutgoingEnvelope> {
  const [latest, previous] = await Promise.all([
    ports.journal.read(lock, lock.step, lock.fence),
    lock.step > 0 ? ports.journal.read(lock, lock.step - 1, lock.parent) : undefined,
  ]);
  const places = [latest?.place, previous?.place, lock.place].filter((place) => place !== undefined);
  for (const place of places) {
    for (const transport of [...ports.eventSources, ...ports.retryQueues]) {
      const body = transport.name === place.service ? await transport.readBack?.(lock.executionId, place) : undefined;
      const envelope = body === undefined ? undefined : parse(body);
      if (body !== undefined && envelope && continues(lock, envelope)) return { envelope, body };
    }
  }
  throw new NotResumableError(lock.executionId, lock.step, places.map(nameOf));
}

/** Parses what is stored at the place of an envelope. The function that receives it checks every member. */
function parse(body: string): Envelope | undefined {
  try {
    const value: unknown = JSON.parse(body);
    // `continues` reads only members that no other message at that place has.
    return isObject(value) ? (value as unknown as Envelope) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the execution, with its present lock, would accept the envelope. */
function continues(lock: Lock, { executionId, incarnation, step, parent, redriven = 0 }: Envelope): boolean {
  if (executionId !== lock.executionId || incarnation !== lock.incarnation) return false;
  return (
    (step === lock.step + 1 && parent === lock.fence) ||
    (step === lock.step && parent === lock.parent && redriven === lock.reopened && !lock.done)
  );
}

function nameOf({ service, resource, messageId, shard, sequenceNumber }: Place): string {
  return [service, resource, messageId, shard, sequenceNumber].filter((part) => part !== undefined).join(' ');
}
