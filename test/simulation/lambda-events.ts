import type { WorkflowConfiguration } from '../../lambda/contract/configuration';
import type { Delivery, Outcome } from '../../lambda/engine';
import { InvocationFailedError, readInvocation, respond } from '../../lambda/runtime/records';
import { FAILED_INVOCATIONS_SUFFIX, MAX_RECEIVES_OF_FAILED } from '../../lambda/testing/services/in-memory-topic';

/** The part of the runtime that sets when queues redeliver messages, and the configuration by which it finds them. */
export interface RedeliveryRuntime {
  readonly workflow: WorkflowConfiguration;
  scheduleRedeliveries(batch: readonly Delivery[], outcomes: ReadonlyMap<string, Outcome>): Promise<void>;
}

/**
 * Passes a batch through the runtime as Lambda does: as an event that the runtime reads and answers.
 *
 * @param batch records of one source
 * @returns the outcome of each record that the answer implies
 */
export async function asLambdaEvent(
  batch: readonly Delivery[],
  process: (batch: readonly Delivery[]) => Promise<ReadonlyMap<string, Outcome>>,
  { workflow, scheduleRedeliveries }: RedeliveryRuntime,
): Promise<ReadonlyMap<string, Outcome>> {
  const [first] = batch;
  const failedQueue = first?.receipt?.queue.endsWith(FAILED_INVOCATIONS_SUFFIX) ? first.receipt.queue : undefined;
  const invoked = readInvocation(
    { Records: batch.map(failedQueue === undefined ? recordOf : failedRecordOf) },
    // All topics of a workflow share one queue of failed invocations. Here each has its own.
    failedQueue === undefined
      ? workflow
      : { ...workflow, failedInvocations: { queueUrl: failedQueue, maxReceiveCount: MAX_RECEIVES_OF_FAILED } },
  );
  if (invoked.kind !== 'records') throw new Error('The runtime did not recognize a batch of records.');
  const outcomes = await process(invoked.deliveries);
  await scheduleRedeliveries(invoked.deliveries, outcomes);
  try {
    const { batchItemFailures } = respond(outcomes, invoked.partial);
    // Only event source mappings read the answer of an invocation.
    const failed = new Set(invoked.partial ? batchItemFailures.map(({ itemIdentifier }) => itemIdentifier) : []);
    return new Map(batch.map(({ id }) => [id, failed.has(id) ? 'redeliver' : 'acknowledge']));
  } catch (thrown) {
    // A failed invocation reports nothing about single records.
    if (thrown instanceof InvocationFailedError) return new Map();
    throw thrown;
  }
}

/** The record of a failed invocation, which had one message of a topic. */
function failedRecordOf(delivery: Delivery): object {
  const resource = delivery.place.resource.slice(0, -FAILED_INVOCATIONS_SUFFIX.length);
  const record = recordOf({ ...delivery, place: { service: 'sns', resource } });
  return recordOf({ ...delivery, body: JSON.stringify({ requestPayload: { Records: [record] } }) });
}

function recordOf({ id, body, receipt, receives, place: { service, resource, shard } }: Delivery): object {
  switch (service) {
    case 'sqs':
      return {
        eventSource: 'aws:sqs',
        eventSourceARN: resource,
        messageId: id,
        receiptHandle: receipt?.handle,
        attributes: { ApproximateReceiveCount: String(receives) },
        body,
      };
    case 'kinesis':
      return {
        eventSource: 'aws:kinesis',
        eventSourceARN: resource,
        eventID: `${shard}:${id}`,
        kinesis: { sequenceNumber: id, data: Buffer.from(body).toString('base64') },
      };
    case 'dynamodb':
      return {
        eventSource: 'aws:dynamodb',
        eventSourceARN: resource,
        dynamodb: { SequenceNumber: id, NewImage: { envelope: { S: body } } },
      };
    case 'sns':
      return { EventSource: 'aws:sns', Sns: { MessageId: id, TopicArn: resource, Message: body } };
    default:
      throw new Error(`Lambda does not deliver from "${service}".`);
  }
}
