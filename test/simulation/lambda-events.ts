import type { Delivery, Outcome } from '../../lambda/engine';
import { InvocationFailedError, readInvocation, respond } from '../../lambda/runtime/records';

/**
 * Lets a batch go the way that it goes in Lambda: as the event that Lambda makes of it, read and answered by the runtime.
 *
 * @param batch of one source
 * @returns what the answer tells the source of each record
 */
export async function asLambdaEvent(
  batch: readonly Delivery[],
  process: (batch: readonly Delivery[]) => Promise<ReadonlyMap<string, Outcome>>,
): Promise<ReadonlyMap<string, Outcome>> {
  const invoked = readInvocation({ Records: batch.map(recordOf) });
  if (invoked.kind !== 'records') throw new Error('A batch of records was taken for something else.');
  const outcomes = await process(invoked.deliveries);
  try {
    const { batchItemFailures } = respond(outcomes, invoked.partial);
    // Nobody reads the answer of an invocation that is not an event source mapping's.
    const failed = new Set(invoked.partial ? batchItemFailures.map(({ itemIdentifier }) => itemIdentifier) : []);
    return new Map(batch.map(({ id }) => [id, failed.has(id) ? 'redeliver' : 'acknowledge']));
  } catch (thrown) {
    // An invocation that has failed says nothing about its records.
    if (thrown instanceof InvocationFailedError) return new Map();
    throw thrown;
  }
}

function recordOf({ id, body, place: { service, resource, shard } }: Delivery): object {
  switch (service) {
    case 'sqs':
      return { eventSource: 'aws:sqs', eventSourceARN: resource, messageId: id, body };
    case 'kinesis':
      return { eventSource: 'aws:kinesis', eventSourceARN: resource, eventID: `${shard}:${id}`, kinesis: { sequenceNumber: id, data: Buffer.from(body).toString('base64') } };
    case 'dynamodb':
      return { eventSource: 'aws:dynamodb', eventSourceARN: resource, dynamodb: { SequenceNumber: id, NewImage: { envelope: { S: body } } } };
    case 'sns':
      return { EventSource: 'aws:sns', Sns: { MessageId: id, TopicArn: resource, Message: body } };
    default:
      throw new Error(`Lambda delivers nothing from "${service}".`);
  }
}
