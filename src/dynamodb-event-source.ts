import { Duration } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { grantStream, grantTable } from './access';
import type { Binding, TransportService, WorkflowParts, WorkflowPlan } from './binding';
import type { Problems } from './problems';

/** The stream of the checkpoint table as an event source. */
export interface DynamoDbEventSourceOptions {
  /**
   * Most records in one invocation.
   *
   * Valid range: 1 to 10,000.
   * @see https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
   *
   * @default 10
   */
  readonly batchSize?: number;
  /**
   * How long Lambda waits for a batch to fill.
   *
   * Valid range: 0 seconds to 5 minutes, in whole seconds.
   * @see https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
   *
   * @default - none
   */
  readonly maxBatchingWindow?: Duration;
  /**
   * Most invocations at once for each shard of the stream; those of one execution stay in order.
   *
   * Valid range: 1 to 10.
   * @see https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
   *
   * @default 10
   */
  readonly parallelizationFactor?: number;
  /**
   * Whether Lambda halves a batch whose invocation failed as a whole, and so closes in on the record that kills it.
   *
   * @default true
   */
  readonly bisectBatchOnError?: boolean;
  /**
   * How often Lambda invokes the function again for a batch that failed. The workflow counts the attempts of a step itself, and stores
   * retries in its retry queue, so this is about outages, in which nothing can be stored.
   *
   * Valid range: 0 to 10,000.
   * @see https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
   *
   * @default - until the record is older than `maxRecordAge`
   */
  readonly retryAttempts?: number;
  /**
   * The age at which Lambda gives a record up and tells the dead-letter queue where it lies. The envelope stays in the checkpoint table.
   *
   * Valid range: 1 minute to 24 hours, which is as long as a stream keeps a record.
   * @see https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
   *
   * @default Duration.hours(12)
   */
  readonly maxRecordAge?: Duration;
}

export class DynamoDbEventSource implements TransportService {
  constructor(private readonly options: DynamoDbEventSourceOptions) {}

  public resource(): unknown {
    return 'the stream of the checkpoint table';
  }

  public check(problems: Problems, plan: WorkflowPlan): void {
    const { batchSize, maxBatchingWindow, parallelizationFactor, retryAttempts, maxRecordAge } = this.options;
    problems.wholeNumber('batchSize', batchSize, 1, 10_000, 'the limit of Lambda');
    problems.duration('maxBatchingWindow', maxBatchingWindow, Duration.seconds(0), Duration.minutes(5), 'the limit of Lambda');
    problems.wholeNumber('parallelizationFactor', parallelizationFactor, 1, 10, 'the limit of Lambda');
    problems.wholeNumber('retryAttempts', retryAttempts, 0, 10_000, 'the limit of Lambda');
    problems.duration('maxRecordAge', maxRecordAge, Duration.minutes(1), Duration.hours(24), 'the limit of DynamoDB Streams');
    if (plan.checkpointTable && plan.checkpointTable.table.tableStreamArn === undefined) {
      problems.add(
        'the given checkpoint table has no stream, or was imported without it. Give it a stream of new images (StreamViewType.NEW_IMAGE), ' +
        'and import it with Table.fromTableAttributes(…, { tableArn, tableStreamArn }).',
      );
    }
  }

  public bind(scope: Construct, workflow: WorkflowParts): Binding {
    const { table } = workflow.checkpointTable;
    const streamArn = table.tableStreamArn;
    if (streamArn === undefined) {
      throw new Error(`The table "${table.node.path}" has no stream.`);
    }
    grantStream(table, streamArn, workflow.function);
    workflow.function.addEventSourceMapping(scope.node.id, {
      eventSourceArn: streamArn,
      // What was written before the mapping was there must run, too.
      startingPosition: lambda.StartingPosition.TRIM_HORIZON,
      batchSize: this.options.batchSize ?? 10,
      maxBatchingWindow: this.options.maxBatchingWindow,
      parallelizationFactor: this.options.parallelizationFactor ?? 10,
      bisectBatchOnError: this.options.bisectBatchOnError ?? true,
      retryAttempts: this.options.retryAttempts,
      maxRecordAge: this.options.maxRecordAge ?? Duration.hours(12),
      reportBatchItemFailures: true,
      // The function may send to the dead-letter queue as it is.
      onFailure: { bind: () => ({ destination: workflow.deadLetterQueue.queueArn }) },
      // The other items of the table (mail, and the ends of executions) carry no envelope.
      filters: [lambda.FilterCriteria.filter({
        eventName: lambda.FilterRule.or('INSERT', 'MODIFY'),
        dynamodb: { NewImage: { envelope: { S: lambda.FilterRule.exists() } } },
      })],
    });
    return {
      transport: { service: 'dynamodb', table },
      configuration: { service: 'dynamodb' },
      grantSend: (grantee) => grantTable(table, grantee, 'BatchWriteItem'),
    };
  }
}
