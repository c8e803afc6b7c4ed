import type { TransportService } from './binding';
import { DynamoDbEventSource, type DynamoDbEventSourceOptions } from './dynamodb-event-source';
import { KinesisEventSource, type KinesisEventSourceOptions } from './kinesis-event-source';
import { SnsEventSource, type SnsEventSourceOptions } from './sns-event-source';
import { SqsEventSource, type SqsEventSourceOptions } from './sqs-event-source';

/** What delivers the envelopes of a workflow to its function, and takes those that the function sends on. */
export class EventSource {
  /** An SQS queue. */
  public static sqs(options: SqsEventSourceOptions = {}): EventSource {
    return new EventSource(new SqsEventSource(options));
  }

  /** The stream of the workflow's checkpoint table: writing the journal of a step sends its envelope on, in a single request. */
  public static dynamoDb(options: DynamoDbEventSourceOptions = {}): EventSource {
    return new EventSource(new DynamoDbEventSource(options));
  }

  /** A Kinesis data stream, in which the envelopes of an execution lie in one shard. */
  public static kinesis(options: KinesisEventSourceOptions = {}): EventSource {
    return new EventSource(new KinesisEventSource(options));
  }

  /**
   * An SNS topic that invokes the function. SNS has no batches: each envelope is an invocation, and one that the function cannot even store
   * for later is tried twice more within minutes, and then put into the dead-letter queue. So it is best as a failover.
   */
  public static sns(options: SnsEventSourceOptions = {}): EventSource {
    return new EventSource(new SnsEventSource(options));
  }

  private constructor(
    /** @internal */
    public readonly _service: TransportService,
  ) {}
}
