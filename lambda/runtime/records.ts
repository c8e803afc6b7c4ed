import type { RecordReader } from '../aws/broker';
import { discardedRecords, type DiscardedRecords } from '../aws/discarded-records';
import { DYNAMODB_RECORDS } from '../aws/dynamodb/records';
import { KINESIS_RECORDS } from '../aws/kinesis/records';
import { SNS_RECORDS } from '../aws/sns/records';
import { isQueue } from '../aws/sqs/queues';
import { SQS_RECORDS } from '../aws/sqs/records';
import type { BrokerName } from '../contract/brokers';
import type { WorkflowConfiguration } from '../contract/configuration';
import { EVENT_SOURCE, TIMER_DETAIL_TYPE, type TimerEvent } from '../contract/events';
import type { Delivery, Outcome, TimerPart } from '../engine';
import { FsmError } from '../machine/fsm-error';
import { isObject } from '../machine/is-object';

/** The response to an event source mapping: the records to redeliver. */
export interface BatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/** The event that the function was invoked with. */
export type Invoked =
  | {
      readonly kind: 'records';
      readonly deliveries: readonly Delivery[];
      /** Whether the response may list the records that failed. */
      readonly partial: boolean;
    }
  | { readonly kind: 'timer'; readonly part?: TimerPart }
  /** The report on records that Lambda has discarded. */
  | { readonly kind: 'discarded'; readonly records: DiscardedRecords; readonly report: Delivery }
  /** An asynchronous invocation that failed, and that is neither. */
  | { readonly kind: 'request'; readonly event: unknown };

/** The readers of the records of all brokers, by the name that Lambda puts into each record after `aws:`. */
const READERS: Readonly<Record<BrokerName, RecordReader>> = {
  sqs: SQS_RECORDS,
  kinesis: KINESIS_RECORDS,
  sns: SNS_RECORDS,
  dynamodb: DYNAMODB_RECORDS,
};

/**
 * Reads the event that the function was invoked with: a batch of records from one broker, or the timer.
 *
 * @param workflow the configuration of the function's workflow; without it, no receive limit is known
 * @throws TypeError for any other event. No execution depends on such an event, and its sender should see the mistake
 */
export function readInvocation(event: unknown, workflow?: WorkflowConfiguration): Invoked {
  if (isTimer(event)) {
    const { detail } = event;
    return { kind: 'timer', ...(detail && { part: { index: detail.part, count: detail.parts } }) };
  }
  const reader = hasRecords(event) ? readerOf(event) : undefined;
  if (!reader) {
    throw new TypeError(
      "Invalid event: expected a batch of records from Amazon SQS, DynamoDB Streams, Kinesis or SNS, or the event of the workflow's timer.",
    );
  }
  // Only Lambda creates records that name a broker, and they have the form of that broker.
  const deliveries = reader.deliveries(event as never, workflow);
  const [first] = deliveries;
  const { failedInvocations } = workflow ?? {};
  if (first?.receipt && failedInvocations && isQueue(failedInvocations, first.receipt.queue)) {
    return readFailed(first, workflow);
  }
  return { kind: 'records', deliveries, partial: reader.reportsFailures };
}

/**
 * Reads a message in which Lambda reported to its destination an asynchronous invocation that failed, with its event, or records of a stream
 * that it has discarded, with their place. The queue delivers one message at a time. A record of SNS is now a message of this queue, which can
 * redeliver it when it is worth trying.
 */
function readFailed(message: Delivery, workflow: WorkflowConfiguration | undefined): Invoked {
  const discarded = discardedRecords(message.body);
  if (discarded) return { kind: 'discarded', records: discarded, report: message };
  const event = payloadOf(message.body);
  const reader = hasRecords(event) ? readerOf(event) : undefined;
  if (!reader) return isTimer(event) ? readInvocation(event, workflow) : { kind: 'request', event };
  // As above. SNS delivers one record in each invocation.
  const deliveries = reader.deliveries(event as never, workflow);
  return {
    kind: 'records',
    deliveries: deliveries.map(({ body, place }) => ({ ...message, body, place })),
    partial: true,
  };
}

/** @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
function payloadOf(body: string): unknown {
  try {
    const record: unknown = JSON.parse(body);
    return isObject(record) ? record.requestPayload : undefined;
  } catch {
    return undefined;
  }
}

/** Records of the invocation failed, and the broker cannot redeliver single records. Lambda retries the invocation. */
export class InvocationFailedError extends FsmError {
  public override readonly name = 'InvocationFailedError';
  public override readonly code = 'INVOCATION_FAILED';

  constructor(failed: number, records: number) {
    super(
      `${failed} of ${records} records could neither be processed nor stored for a retry. Lambda retries the invocation with all of them.`,
    );
  }
}

/**
 * Builds the response to the event source mapping: the messages of a queue to redeliver, or the record of a stream to continue from.
 *
 * SNS invokes the function asynchronously, without a mapping. Lambda retries a failed invocation with all its records (although SNS puts
 * only one into each), and the engine recognizes the records that were completed before as duplicates.
 *
 * @param partial whether the response may list the records that failed
 * @throws InvocationFailedError if a record failed and the response may not list it
 */
export function respond(outcomes: ReadonlyMap<string, Outcome>, partial: boolean): BatchResponse {
  const failures = [...outcomes].filter(([, outcome]) => outcome !== 'acknowledge');
  if (failures.length > 0 && !partial) throw new InvocationFailedError(failures.length, outcomes.size);
  return { batchItemFailures: failures.map(([itemIdentifier]) => ({ itemIdentifier })) };
}

function isTimer(event: unknown): event is TimerEvent {
  return isObject(event) && event.source === EVENT_SOURCE && event['detail-type'] === TIMER_DETAIL_TYPE;
}

interface NamedRecords {
  readonly Records: readonly { readonly eventSource?: unknown; readonly EventSource?: unknown }[];
}

function hasRecords(event: unknown): event is NamedRecords {
  return isObject(event) && Array.isArray(event.Records) && event.Records.every(isObject);
}

/** @returns nothing if the records do not all name the same broker */
function readerOf({ Records }: NamedRecords): RecordReader | undefined {
  // SNS capitalizes the name of the member.
  const [source, ...others] = new Set(Records.map(({ eventSource, EventSource }) => eventSource ?? EventSource));
  const readers = Object.entries(READERS);
  return others.length === 0 ? readers.find(([name]) => source === `aws:${name}`)?.[1] : undefined;
}
