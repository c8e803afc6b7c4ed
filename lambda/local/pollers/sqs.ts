import { DeleteMessageBatchCommand, ReceiveMessageCommand, type Message, type SQSClient } from '@aws-sdk/client-sqs';
import { failedRecords } from './batch-response';
import type { RecordFilter } from './filter';
import { pause, stopper, type Invocable, type OnPollerError, type Poller } from './poller';
import { LOCAL_REGION } from '../template';

/** An event source mapping from a queue to a function. */
export interface QueueMapping {
  readonly queueUrl: string;
  readonly queueArn: string;
  /** Most messages in a batch. */
  readonly batchSize: number;
  /** How long a batch waits to be filled, counted from its first message. */
  readonly batchingWindowSeconds: number;
  /** Most invocations at the same time. */
  readonly maximumConcurrency: number;
  readonly reportsItemFailures: boolean;
  readonly filter: RecordFilter;
}

/** The most that one ReceiveMessage or DeleteMessageBatch takes. */
const MOST_MESSAGES_A_REQUEST = 10;
/** How long a source that failed is left alone, in milliseconds. */
const PAUSE_AFTER_ERROR = 200;
/** The longest that SQS lets a request wait for a message, in seconds. */
const LONGEST_POLL = 20;

/**
 * Polls a queue for a function, as Lambda does: receives, invokes, and deletes what succeeded. What failed stays in the queue, comes
 * back when its visibility timeout ends, and goes to the dead-letter queue when it has come too often: that is the queue's own doing.
 */
export function pollQueue(mapping: QueueMapping, target: Invocable, client: SQSClient, onError: OnPollerError): Poller {
  const stopped = stopper();
  const lanes = Math.max(1, Math.min(mapping.maximumConcurrency, target.environments));
  const loops = Array.from({ length: lanes }, async () => {
    while (!stopped.signal.aborted) {
      try {
        const messages = await receiveBatch(mapping, client, stopped.signal);
        if (messages.length > 0 && !stopped.signal.aborted) {
          await deliver(messages, mapping, target, client);
        }
      } catch (error) {
        if (!stopped.signal.aborted) {
          onError(new Error(`The queue ${mapping.queueUrl} cannot be polled: ${(error as Error).message}`, { cause: error }));
          await pause(PAUSE_AFTER_ERROR, stopped.signal);
        }
      }
    }
  });
  return {
    stop: async () => {
      stopped.abort();
      await Promise.all(loops);
    },
  };
}

/** Waits for a first message as long as it takes, then for the batch to fill up as long as the window lasts. */
async function receiveBatch(mapping: QueueMapping, client: SQSClient, signal: AbortSignal): Promise<Message[]> {
  const batch = await receive(mapping, client, mapping.batchSize, LONGEST_POLL, signal);
  const end = Date.now() + mapping.batchingWindowSeconds * 1000;
  while (batch.length > 0 && batch.length < mapping.batchSize && Date.now() < end && !signal.aborted) {
    const wait = Math.min(LONGEST_POLL, Math.ceil((end - Date.now()) / 1000));
    batch.push(...await receive(mapping, client, mapping.batchSize - batch.length, wait, signal));
  }
  return batch;
}

async function receive(
  { queueUrl }: QueueMapping, client: SQSClient, most: number, waitSeconds: number, signal: AbortSignal,
): Promise<Message[]> {
  const { Messages } = await client.send(new ReceiveMessageCommand({
    QueueUrl: queueUrl,
    MaxNumberOfMessages: Math.min(MOST_MESSAGES_A_REQUEST, most),
    WaitTimeSeconds: waitSeconds,
    MessageSystemAttributeNames: ['All'],
    MessageAttributeNames: ['All'],
  }), { abortSignal: signal });
  return Messages ?? [];
}

async function deliver(messages: readonly Message[], mapping: QueueMapping, target: Invocable, client: SQSClient): Promise<void> {
  const wanted = messages.filter((message) => mapping.filter(filterable(message)));
  let failed: ReadonlySet<string> = new Set();
  if (wanted.length > 0) {
    const result = await target.invoke({ Records: wanted.map((message) => toRecord(message, mapping.queueArn)) });
    failed = failedRecords(result, wanted.map((message) => message.MessageId ?? ''), mapping.reportsItemFailures);
  }
  // A message that the filter keeps out is deleted, too: no one will ever want it.
  const done = messages.filter((message) => !failed.has(message.MessageId ?? ''));
  for (let start = 0; start < done.length; start += MOST_MESSAGES_A_REQUEST) {
    await client.send(new DeleteMessageBatchCommand({
      QueueUrl: mapping.queueUrl,
      Entries: done.slice(start, start + MOST_MESSAGES_A_REQUEST)
        .map((message, index) => ({ Id: String(index), ReceiptHandle: message.ReceiptHandle })),
    }));
  }
}

/** A filter sees the body of a message as JSON, where it is some. */
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
    messageAttributes: Object.fromEntries(Object.entries(message.MessageAttributes ?? {}).map(([name, attribute]) => [name, {
      stringValue: attribute.StringValue,
      binaryValue: attribute.BinaryValue && Buffer.from(attribute.BinaryValue).toString('base64'),
      stringListValues: [],
      binaryListValues: [],
      dataType: attribute.DataType,
    }])),
    md5OfBody: message.MD5OfBody,
    md5OfMessageAttributes: message.MD5OfMessageAttributes,
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: LOCAL_REGION,
  };
}
