import { Duration } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { grantStream, grantTable } from './access';
import type { Binding, TransportService, WorkflowParts, WorkflowPlan } from './binding';
import { definitionOf } from './given-table';
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

/** What stands for the stream of a workflow's checkpoint table, of whichever it is. */
export const CHECKPOINT_STREAM = 'the stream of the checkpoint table';

const VIEWS_WITH_ENVELOPES: readonly string[] = [dynamodb.StreamViewType.NEW_IMAGE, dynamodb.StreamViewType.NEW_AND_OLD_IMAGES];

export class DynamoDbEventSource implements TransportService {
  constructor(private readonly options: DynamoDbEventSourceOptions) {}

  public resource(): unknown {
    return CHECKPOINT_STREAM;
  }

  public check(problems: Problems, plan: WorkflowPlan): void {
    checkStreamOptions(problems, this.options);
    problems.duration('maxRecordAge', this.options.maxRecordAge, Duration.minutes(1), Duration.hours(24), 'the limit of DynamoDB Streams');
    const table = plan.checkpointTable?.table;
    if (!table) return;
    if (table.tableStreamArn === undefined) {
      problems.add(
        'the given checkpoint table has no stream, or was imported without it. Give it a stream of new images (StreamViewType.NEW_IMAGE), ' +
        'and import it with Table.fromTableAttributes(…, { tableArn, tableStreamArn }).',
      );
    }
    const view = definitionOf(table)?.streamSpecification?.streamViewType;
    if (view !== undefined && !VIEWS_WITH_ENVELOPES.includes(view)) {
      problems.add(
        `the stream of the given checkpoint table "${table.node.path}" has the view ${view}, so it does not carry what is written to the table. ` +
        'Give the table the stream StreamViewType.NEW_IMAGE.',
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
