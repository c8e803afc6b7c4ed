import type { HitRequest } from '../../../lambda/local';
import type { OrderTransports } from '../order-stack';
import { EventSource, RetryQueue } from 'cdk-lambda-fsm';

/** The services that can carry orders, by their names on the command line. */
export const SERVICES = ['sqs', 'kinesis', 'sns', 'dynamodb'] as const;
export type Service = (typeof SERVICES)[number];

export const NAMES: Readonly<Record<Service, string>> = {
  sqs: 'SQS',
  kinesis: 'Kinesis',
  sns: 'SNS',
  dynamodb: 'DynamoDB',
};

/** The service in each role. */
export interface Carriers {
  readonly source: Service;
  readonly failover?: Service;
  readonly retry: Service;
  readonly failoverRetry?: Service;
}

const EVENT_SOURCES: Readonly<Record<Service, () => EventSource>> = {
  sqs: () => EventSource.sqs(),
  kinesis: () => EventSource.kinesis(),
  sns: () => EventSource.sns(),
  dynamodb: () => EventSource.dynamoDb(),
};

const RETRY_QUEUES: Readonly<Record<Service, () => RetryQueue>> = {
  sqs: () => RetryQueue.sqs(),
  // Kinesis and SNS cannot delay a message, so the backoff of the order machine does not apply.
  kinesis: () => RetryQueue.kinesis({ ignoreBackoff: true }),
  sns: () => RetryQueue.sns({ ignoreBackoff: true }),
  dynamodb: () => RetryQueue.dynamoDb(),
};

export function transportsOf({ source, failover, retry, failoverRetry }: Carriers): OrderTransports {
  return {
    eventSource: EVENT_SOURCES[source](),
    failoverEventSource: failover && EVENT_SOURCES[failover](),
    retryQueue: RETRY_QUEUES[retry](),
    failoverRetryQueue: failoverRetry && RETRY_QUEUES[failoverRetry](),
  };
}

/** The name of the event source: `SQS`, or `the event source on DynamoDB`, because the tables of DynamoDB stay up. */
export function sourceName(source: Service): string {
  return source === 'dynamodb' ? 'the event source on DynamoDB' : NAMES[source];
}

/**
 * Selects the requests that fail while an event source is down. The locks are in DynamoDB, so no order can proceed while DynamoDB as a
 * whole is down. An outage of that event source therefore affects only the writes of envelopes to the checkpoint table.
 */
export function hitBy(service: Service, checkpointTable: string): (request: HitRequest) => boolean {
  if (service !== 'dynamodb') return () => true;
  return ({ operation, body }) =>
    operation === 'BatchWriteItem' &&
    body.includes(JSON.stringify(checkpointTable)) &&
    body.includes('"envelope":{"S":');
}
