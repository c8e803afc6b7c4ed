import type { TransportService } from './binding';
import { DynamoDbRetryQueue, type DynamoDbRetryQueueOptions } from './dynamodb-retry-queue';
import { KinesisRetryQueue, type KinesisRetryQueueOptions } from './kinesis-retry-queue';
import { SnsRetryQueue, type SnsRetryQueueOptions } from './sns-retry-queue';
import { SqsRetryQueue, type SqsRetryQueueOptions } from './sqs-retry-queue';

/** Where a step that has failed waits for its next attempt. */
export class RetryQueue {
  /** An SQS queue. A wait of more than 15 minutes is made of several. */
  public static sqs(options: SqsRetryQueueOptions = {}): RetryQueue {
    return new RetryQueue(new SqsRetryQueue(options));
  }

  /**
   * A DynamoDB table, and a timer that brings round what is due. A wait of any length is one write; the timer costs an invocation a minute.
   * A retry that is due before the next minute begins may wait for that minute.
   */
  public static dynamoDb(options: DynamoDbRetryQueueOptions = {}): RetryQueue {
    return new RetryQueue(new DynamoDbRetryQueue(options));
  }

  /**
   * A Kinesis data stream. It cannot hold a retry back, so a failed step is tried again at once: for machines without backoff, or with
   * `ignoreBackoff`.
   */
  public static kinesis(options: KinesisRetryQueueOptions = {}): RetryQueue {
    return new RetryQueue(new KinesisRetryQueue(options));
  }

  /**
   * An SNS topic. It cannot hold a retry back, so a failed step is tried again at once: for machines without backoff, or with
   * `ignoreBackoff`.
   */
  public static sns(options: SnsRetryQueueOptions = {}): RetryQueue {
    return new RetryQueue(new SnsRetryQueue(options));
  }

  private constructor(
    /** @internal */
    public readonly _service: TransportService,
  ) {}
}
