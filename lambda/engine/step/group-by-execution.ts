import { decodeEnvelope, type Decoded } from '../envelope/codec';
import type { Delivery } from '../ports';

/** A delivery with its message decoded. */
export interface DecodedDelivery {
  readonly delivery: Delivery;
  readonly decoded: Decoded;
}

/**
 * Groups the deliveries of a batch by execution, in the order of their arrival. A message that is not an envelope forms a separate group.
 *
 * @param maxBytes maximum bytes of a message that the workflow can carry
 */
export function groupByExecution(deliveries: readonly Delivery[], maxBytes: number): DecodedDelivery[][] {
  const groups: DecodedDelivery[][] = [];
  const groupOf = new Map<string, DecodedDelivery[]>();
  for (const delivery of deliveries) {
    const decoded = decodeEnvelope(delivery.body, maxBytes);
    const executionId = 'envelope' in decoded ? decoded.envelope.executionId : undefined;
    let group = executionId === undefined ? undefined : groupOf.get(executionId);
    if (!group) {
      group = [];
      groups.push(group);
      if (executionId !== undefined) groupOf.set(executionId, group);
    }
    group.push({ delivery, decoded });
  }
  return groups;
}
