import { decodeEnvelope } from './codec';
import type { Envelope } from './envelope';
import { NotResumableError } from './errors';
import type { Checkpoint, Lock, Place, Ports } from './ports';

/**
 * Finds the envelope that a stalled execution waits for, where its checkpoints say that it was put.
 *
 * It is the successor of the step that was acquired last, if that step has sent one, and otherwise the envelope of that very step.
 * Sending it again does no harm to an execution that goes on by itself: it is recognised as a duplicate.
 *
 * @param checkpoints of the execution
 * @throws NotResumableError when the service that has it cannot be asked for it, or does not have it any more
 */
export async function findEnvelope(
  ports: Ports,
  lock: Lock,
  checkpoints: readonly Checkpoint[],
): Promise<{ readonly envelope: Envelope; readonly body: string }> {
  const latest = checkpoints.find(({ step, fence }) => step === lock.step && fence === lock.fence);
  const previous = checkpoints.find(({ step, fence }) => step === lock.step - 1 && fence === lock.parent);
  const places = [latest?.place, previous?.place, lock.place].filter((place) => place !== undefined);
  for (const place of places) {
    for (const transport of [...ports.eventSources, ...ports.retryQueues]) {
      const body = transport.name === place.service ? await transport.readBack?.(lock.executionId, place) : undefined;
      const decoded = body === undefined ? undefined : decodeEnvelope(body);
      if (body !== undefined && decoded && 'envelope' in decoded && continues(lock, decoded.envelope)) return { envelope: decoded.envelope, body };
    }
  }
  throw new NotResumableError(lock.executionId, lock.step, places.map(nameOf));
}

/** Whether the envelope is one that the execution, as it stands, would take. */
function continues(lock: Lock, { executionId, step, parent }: Envelope): boolean {
  if (executionId !== lock.executionId) return false;
  return (step === lock.step + 1 && parent === lock.fence) || (step === lock.step && parent === lock.parent && !lock.done);
}

function nameOf({ service, resource, messageId, shard, sequenceNumber }: Place): string {
  return [service, resource, messageId, shard, sequenceNumber].filter((part) => part !== undefined).join(' ');
}
