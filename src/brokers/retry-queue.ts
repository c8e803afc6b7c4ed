import type { BrokerName, RetryQueueConfiguration } from '#contract';
import type { Broker } from './broker';
import { DynamoDbRetryQueue, type DynamoDbRetryQueueOptions } from './dynamodb/retry-queue';
import { KinesisRetryQueue, type KinesisRetryQueueOptions } from './kinesis/retry-queue';
import { SnsRetryQueue, type SnsRetryQueueOptions } from './sns/retry-queue';
import { SqsRetryQueue, type SqsRetryQueueOptions } from './sqs/retry-queue';

/** The retry queue on each broker. The compiler reports a broker without one. */
const RETRY_QUEUES = {
  sqs: SqsRetryQueue,
  kinesis: KinesisRetryQueue,
  sns: SnsRetryQueue,
  dynamodb: DynamoDbRetryQueue,
} satisfies { [Name in BrokerName]: new (options: never) => Broker<RetryQueueConfiguration<Name>> };

/** Holds the envelope of a failed step until the step is retried. */
export class RetryQueue {
  /** Uses an SQS queue. A delay of more than 15 minutes takes several messages, one after the other. */
  public static sqs(options: SqsRetryQueueOptions = {}): RetryQueue {
    return new RetryQueue(new RETRY_QUEUES.sqs(options));
  }

  /**
   * Uses a DynamoDB table, and an EventBridge rule that invokes the function every minute to send the retries that are due. A delay of any
   * length takes one write. A retry may run up to one minute late.
   */
  public static dynamoDb(options: DynamoDbRetryQueueOptions = {}): RetryQueue {
    return new RetryQueue(new RETRY_QUEUES.dynamodb(options));
  }

  /**
   * Uses a Kinesis data stream. Kinesis cannot delay a record, so failed steps are retried immediately. Requires machines without backoff, or
   * `ignoreBackoff`.
   */
  public static kinesis(options: KinesisRetryQueueOptions = {}): RetryQueue {
    return new RetryQueue(new RETRY_QUEUES.kinesis(options));
  }

  /**
   * Uses an SNS topic. SNS cannot delay a message, so failed steps are retried immediately. Requires machines without backoff, or
   * `ignoreBackoff`.
   */
  public static sns(options: SnsRetryQueueOptions = {}): RetryQueue {
    return new RetryQueue(new RETRY_QUEUES.sns(options));
  }

  /**
   * Tells event sources and retry queues apart, for the compiler and for `checkTypes`.
   *
   * @internal
   */
  public readonly _retryQueue = true;

  private constructor(
    /** @internal */
    public readonly _broker: Broker<RetryQueueConfiguration>,
  ) {}
}
