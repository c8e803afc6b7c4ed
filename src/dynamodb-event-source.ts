import { Duration } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { grantStream, grantTable } from './access';
import type { Binding, TransportService, WorkflowParts, WorkflowPlan } from './binding';
import type { Problems } from './problems';
import { checkStreamOptions, mapStream, type StreamOptions } from './stream-mapping';

/** The stream of the checkpoint table as an event source. */
export interface DynamoDbEventSourceOptions extends StreamOptions {
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
    checkStreamOptions(problems, this.options);
    problems.duration('maxRecordAge', this.options.maxRecordAge, Duration.minutes(1), Duration.hours(24), 'the limit of DynamoDB Streams');
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
    mapStream(scope.node.id, {
      eventSourceArn: streamArn,
      // What was written before the mapping was there must run, too.
      startingPosition: lambda.StartingPosition.TRIM_HORIZON,
      maxRecordAge: this.options.maxRecordAge,
      // The other items of the table (mail, and the ends of executions) carry no envelope.
      filters: [lambda.FilterCriteria.filter({
        eventName: lambda.FilterRule.or('INSERT', 'MODIFY'),
        dynamodb: { NewImage: { envelope: { S: lambda.FilterRule.exists() } } },
      })],
    }, this.options, workflow);
    return {
      transport: { service: 'dynamodb', table },
      configuration: { service: 'dynamodb' },
      grantSend: (grantee) => grantTable(table, grantee, 'BatchWriteItem'),
    };
  }
}
