import type { DynamoDBStreamEvent, SQSEvent } from 'aws-lambda';
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
  | { readonly kind: 'records'; readonly deliveries: readonly Delivery[] }
  | { readonly kind: 'timer' };

/**
 * Reads what a function may be invoked with: a batch of any event source, or the timer.
 *
 * @throws TypeError for anything else: no execution depends on it, and whoever has invoked the function by mistake should see it
 */
export function readInvocation(event: unknown): Invoked {
  if (isTimer(event)) return { kind: 'timer' };
  if (hasRecords(event)) {
    const sources = new Set(event.Records.map(({ eventSource }) => eventSource));
    const [source] = sources;
    if (sources.size === 1 && source === 'aws:sqs') {
      // The eventSource says so; Lambda makes these records, and no one else may invoke the function.
      return { kind: 'records', deliveries: fromSqs(event as unknown as SQSEvent) };
    }
    if (sources.size === 1 && source === 'aws:dynamodb') {
      // As above.
      return { kind: 'records', deliveries: fromDynamoDbStream(event as unknown as DynamoDBStreamEvent) };
    }
  }
  throw new TypeError('The function was invoked with something else than a batch of records from Amazon SQS or DynamoDB Streams, or the timer of its retry table.');
}

/** What the event source mapping is told: on a queue which messages to keep, on a stream from which record on to try again. */
export function respond(outcomes: ReadonlyMap<string, Outcome>): BatchResponse {
  const failures = [...outcomes].filter(([, outcome]) => outcome === 'redeliver');
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

function isTimer(event: unknown): event is TimerEvent {
  return isObject(event) && event.source === 'cdk-lambda-fsm' && event['detail-type'] === 'timer';
}

function hasRecords(event: unknown): event is { readonly Records: readonly { readonly eventSource?: unknown }[] } {
  return isObject(event) && Array.isArray(event.Records) && event.Records.every(isObject);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
