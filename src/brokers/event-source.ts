import type { BrokerName, EventSourceConfiguration } from '#contract';
import type { Broker } from './broker';
import { DynamoDbEventSource, type DynamoDbEventSourceOptions } from './dynamodb/event-source';
import { KinesisEventSource, type KinesisEventSourceOptions } from './kinesis/event-source';
import { SnsEventSource, type SnsEventSourceOptions } from './sns/event-source';
import { SqsEventSource, type SqsEventSourceOptions } from './sqs/event-source';

/** The event source on each broker. The compiler reports a broker without one. */
const EVENT_SOURCES = {
  sqs: SqsEventSource,
  kinesis: KinesisEventSource,
  sns: SnsEventSource,
  dynamodb: DynamoDbEventSource,
} satisfies { [Name in BrokerName]: new (options: never) => Broker<EventSourceConfiguration<Name>> };

/** Delivers envelopes to the workflow's function, and receives the envelopes that the function dispatches. */
export class EventSource {
  /** Uses an SQS queue. */
  public static sqs(options: SqsEventSourceOptions = {}): EventSource {
    return new EventSource(new EVENT_SOURCES.sqs(options));
  }

  /** Uses the stream of the workflow's checkpoint table. One write records the step in the journal and dispatches the next envelope. */
  public static dynamoDb(options: DynamoDbEventSourceOptions = {}): EventSource {
    return new EventSource(new EVENT_SOURCES.dynamodb(options));
  }

  /** Uses a Kinesis data stream. All envelopes of an execution go to one shard. */
  public static kinesis(options: KinesisEventSourceOptions = {}): EventSource {
    return new EventSource(new EVENT_SOURCES.kinesis(options));
  }

  /**
   * Uses an SNS topic that invokes the function. Recommended as a failover only: SNS delivers each envelope in a separate invocation, and
   * Lambda retries an invocation that cannot store its envelope only twice, within minutes, before it sends the envelope to the dead-letter
   * queue.
   */
  public static sns(options: SnsEventSourceOptions = {}): EventSource {
    return new EventSource(new EVENT_SOURCES.sns(options));
  }

  /**
   * Tells event sources and retry queues apart, for the compiler and for `checkTypes`.
   *
   * @internal
   */
  public readonly _eventSource = true;

  private constructor(
    /** @internal */
    public readonly _broker: Broker<EventSourceConfiguration>,
  ) {}
}
