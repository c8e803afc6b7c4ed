import type { Message, SQSClient } from '@aws-sdk/client-sqs';
import { startPolling, type Invocable, type OnPollerError, type Poller } from '../../function/poller';
import { LOCAL_REGION, type Template } from '../../template/template';
import { memberOf } from '../../template/template-value';
import { failedRecords } from '../shared/batch-response';
import type { StartPoller, Trigger } from '../shared/broker';
import { readLimit, readMapping, type MappingProperties } from '../shared/mapping';
import { deleteMessages, receiveMessages } from '../shared/messages';

/** An event source mapping from a queue to a function. */
export interface QueueMapping extends MappingProperties {
  readonly queueUrl: string;
  readonly queueArn: string;
  /** Maximum number of messages in a batch. */
  readonly batchSize: number;
  /** Maximum number of concurrent invocations. */
  readonly maximumConcurrency: number;
}

/** Reads an event source mapping from a queue. */
export function readQueueTrigger(template: Template, { logicalId, sourceArn, address }: Trigger): StartPoller {
  const properties = template.properties(logicalId);
  const mapping: QueueMapping = {
    ...readMapping(properties),
    queueUrl: address,
    queueArn: sourceArn,
    batchSize: Number(properties.BatchSize ?? 10),
    maximumConcurrency: readLimit(memberOf(properties.ScalingConfig, 'MaximumConcurrency')),
  };
  return ({ target, clients, onError }) => pollQueue(mapping, target, clients.sqs, onError);
}

/**
 * Polls a queue for a function, as Lambda does: it receives messages, invokes the function, and deletes the messages that succeeded. Failed
 * messages stay in the queue. The queue redelivers them after their visibility timeout, and dead-letters them after too many receives.
 */
export function pollQueue(mapping: QueueMapping, target: Invocable, client: SQSClient, onError: OnPollerError): Poller {
  const poll = async (signal: AbortSignal) => {
    const messages = await receiveBatch(mapping, client, signal);
    if (messages.length > 0 && !signal.aborted) {
      await deliver(messages, mapping, target, client);
    }
  };
  return startPolling(poll, {
    lanes: Math.max(1, Math.min(mapping.maximumConcurrency, target.environments)),
    failure: `Cannot poll queue ${mapping.queueUrl}`,
    onError,
  });
}

/** Waits for a first message, then until the batch is full or the batching window ends. */
async function receiveBatch(mapping: QueueMapping, client: SQSClient, signal: AbortSignal): Promise<Message[]> {
  const { queueUrl, batchSize } = mapping;
  const batch = [...(await receiveMessages(client, queueUrl, { messages: batchSize }, signal))];
  const end = Date.now() + mapping.batchingWindowSeconds * 1000;
  while (batch.length > 0 && batch.length < batchSize && Date.now() < end && !signal.aborted) {
    const limits = { messages: batchSize - batch.length, waitSeconds: Math.ceil((end - Date.now()) / 1000) };
    batch.push(...(await receiveMessages(client, queueUrl, limits, signal)));
  }
  return batch;
}

async function deliver(
  messages: readonly Message[],
  mapping: QueueMapping,
  target: Invocable,
  client: SQSClient,
): Promise<void> {
  const wanted = messages.filter((message) => mapping.filter(filterable(message)));
  let failed: ReadonlySet<string> = new Set();
  if (wanted.length > 0) {
    const result = await target.invoke({ Records: wanted.map((message) => toRecord(message, mapping.queueArn)) });
    failed = failedRecords(
      result,
      wanted.map(({ MessageId = '' }) => MessageId),
      mapping.reportsItemFailures,
    );
  }
  // As on Lambda, messages that the filter excludes are deleted, too.
  const done = messages.filter(({ MessageId = '' }) => !failed.has(MessageId));
  await deleteMessages(client, mapping.queueUrl, done);
}

/** Filters see the body of a message as JSON if it can be parsed, and as text otherwise. */
function filterable(message: Message): unknown {
  const body = message.Body ?? '';
  try {
    return { ...message, body: JSON.parse(body) as unknown };
  } catch {
    return { ...message, body };
  }
}

function toRecord(message: Message, queueArn: string) {
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes ?? {},
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, attribute]) => [
        name,
        {
          stringValue: attribute.StringValue,
          binaryValue: attribute.BinaryValue && Buffer.from(attribute.BinaryValue).toString('base64'),
          stringListValues: [],
          binaryListValues: [],
          dataType: attribute.DataType,
        },
      ]),
    ),
    md5OfBody: message.MD5OfBody,
    md5OfMessageAttributes: message.MD5OfMessageAttributes,
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: LOCAL_REGION,
  };
}
