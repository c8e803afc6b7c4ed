import type { HitRequest } from '../../../lambda/local';
import type { OrderTransports } from '../order-stack';
import { EventSource, RetryQueue } from 'cdk-lambda-fsm';

/** The services that can carry orders, by the names that the command line has for them. */
export const SERVICES = ['sqs', 'kinesis', 'sns', 'dynamodb'] as const;
export type Service = typeof SERVICES[number];

export const NAMES: Readonly<Record<Service, string>> = { sqs: 'SQS', kinesis: 'Kinesis', sns: 'SNS', dynamodb: 'DynamoDB' };

/** Which service carries what. */
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
  // An order asks for a backoff, which these cannot keep.
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

/**
 * Which requests fail while an event source is down. DynamoDB as a whole cannot be: without the locks nothing goes on, whatever carries the
 * orders. So only the checkpoint table takes no envelopes then.
 */
export function hitBy(service: Service, checkpointTable: string): (request: HitRequest) => boolean {
  return service !== 'dynamodb'
    ? () => true
    : ({ operation, body }) => operation === 'BatchWriteItem' && body.includes(JSON.stringify(checkpointTable)) && body.includes('"envelope":{"S":');
}
