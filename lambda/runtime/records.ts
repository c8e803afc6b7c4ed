import { isUtf8 } from 'node:buffer';
import type { DynamoDBStreamEvent, KinesisStreamEvent, SNSEvent, SQSEvent } from 'aws-lambda';
import type { Delivery, Outcome } from '../engine';

/** The answer by which a function tells an event source mapping which records it has to deliver again. */
export interface BatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/** The invocation that the timer makes each minute. */
export interface TimerEvent {
  readonly 'source': 'cdk-lambda-fsm';
  readonly 'detail-type': 'timer';
}

/** What the function was called with, told apart. */
export type Invoked =
  | { readonly kind: 'records'; readonly deliveries: readonly Delivery[]; /** Single records can be given back. */ readonly partial: boolean }
  | { readonly kind: 'timer' };

/**
 * Reads what a function may be invoked with: a batch of any event source, or the timer.
 *
 * @throws TypeError for anything else: no execution depends on it, and whoever has invoked the function by mistake should see it
 */
export function readInvocation(event: unknown): Invoked {
  if (isTimer(event)) return { kind: 'timer' };
  if (hasRecords(event)) {
    // SNS writes the name with a capital letter.
    const [source, ...others] = new Set(event.Records.map(({ eventSource, EventSource }) => eventSource ?? EventSource));
    // The name says of what form the records are; Lambda makes them, and no one else may invoke the function.
    if (others.length === 0 && source === 'aws:sqs') {
      return { kind: 'records', deliveries: fromSqs(event as unknown as SQSEvent), partial: true };
    }
    if (others.length === 0 && source === 'aws:dynamodb') {
      return { kind: 'records', deliveries: fromDynamoDbStream(event as unknown as DynamoDBStreamEvent), partial: true };
    }
    if (others.length === 0 && source === 'aws:kinesis') {
      return { kind: 'records', deliveries: fromKinesis(event as unknown as KinesisStreamEvent), partial: true };
    }
    if (others.length === 0 && source === 'aws:sns') {
      return { kind: 'records', deliveries: fromSns(event as unknown as SNSEvent), partial: false };
    }
  }
  throw new TypeError('The function was invoked with something else than a batch of records from Amazon SQS, DynamoDB Streams, Kinesis or SNS, or the timer of its retry table.');
}

/** The records of an invocation cannot be given back one by one, so all of it is. */
export class InvocationFailedError extends Error {
  public override readonly name = 'InvocationFailedError';

  constructor(failed: number, records: number) {
    super(`${failed} of ${records} records could not be taken on, nor stored for later. Lambda invokes the function with them again.`);
  }
}

/**
 * What the event source mapping is told: on a queue which messages to keep, on a stream from which record on to try again.
 *
 * SNS has no mapping but invokes the function asynchronously. Lambda repeats such an invocation when it fails, with all its records
 * (though AWS puts one only into each): those that were brought to an end meanwhile are recognised as duplicates.
 *
 * @param partial whether single records can be given back
 * @throws InvocationFailedError when they cannot, and one must be
 */
export function respond(outcomes: ReadonlyMap<string, Outcome>, partial: boolean): BatchResponse {
  const failures = [...outcomes].filter(([, outcome]) => outcome === 'redeliver');
  if (failures.length > 0 && !partial) throw new InvocationFailedError(failures.length, outcomes.size);
  return { batchItemFailures: failures.map(([itemIdentifier]) => ({ itemIdentifier })) };
}

function fromSqs(event: SQSEvent): Delivery[] {
  return event.Records.map((record) => ({
    id: record.messageId,
    body: record.body,
    place: { service: 'sqs', resource: record.eventSourceARN, messageId: record.messageId },
    blocking: false,
  }));
}

/** The envelope is an attribute of the item that was put; the mapping's filter passes no items without one. */
function fromDynamoDbStream(event: DynamoDBStreamEvent): Delivery[] {
  return event.Records.map((record) => ({
    id: record.dynamodb?.SequenceNumber ?? '',
    body: record.dynamodb?.NewImage?.envelope?.S ?? '',
    place: { service: 'dynamodb', resource: record.eventSourceARN ?? '', sequenceNumber: record.dynamodb?.SequenceNumber },
    blocking: true,
  }));
}

function fromKinesis(event: KinesisStreamEvent): Delivery[] {
  return event.Records.map(({ eventID, eventSourceARN, kinesis }) => {
    const data = Buffer.from(kinesis.data, 'base64');
    return {
      id: kinesis.sequenceNumber,
      // What is no text is no envelope either, and stays as it came.
      body: isUtf8(data) ? data.toString() : kinesis.data,
      place: {
        service: 'kinesis',
        // A consumer with enhanced fan-out has an ARN of its own, below that of the stream.
        resource: eventSourceARN.replace(/\/consumer\/.*$/, ''),
        // The id is that of the shard and the sequence number, with a colon between.
        shard: eventID.slice(0, eventID.lastIndexOf(':')),
        sequenceNumber: kinesis.sequenceNumber,
      },
      blocking: true,
    };
  });
}

/** Lambda gives up an invocation that fails three times within minutes, so what must wait does better in the retry queue. */
function fromSns(event: SNSEvent): Delivery[] {
  return event.Records.map(({ Sns }) => ({
    id: Sns.MessageId,
    body: Sns.Message,
    place: { service: 'sns', resource: Sns.TopicArn, messageId: Sns.MessageId },
    blocking: true,
  }));
}

function isTimer(event: unknown): event is TimerEvent {
  return isObject(event) && event.source === 'cdk-lambda-fsm' && event['detail-type'] === 'timer';
}

interface NamedRecords {
  readonly Records: readonly { readonly eventSource?: unknown; readonly EventSource?: unknown }[];
}

function hasRecords(event: unknown): event is NamedRecords {
  return isObject(event) && Array.isArray(event.Records) && event.Records.every(isObject);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
