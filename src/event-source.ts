import type { TransportService } from './binding';
import { DynamoDbEventSource, type DynamoDbEventSourceOptions } from './dynamodb-event-source';
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

  private constructor(
    /** @internal */
    public readonly _service: TransportService,
  ) {}
}
