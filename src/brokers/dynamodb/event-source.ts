import { Duration, type Stack } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { DELIVERED_CHANGES, ENVELOPE_ATTRIBUTE, type EventSourceConfiguration } from '#contract';
import { tableConfig } from './table';
import { grantStream } from '../../shared/grants';
import { literalOf, logicalIdOf } from '../../shared/literal';
import type { ValidationErrors } from '../../shared/validation-errors';
import { checkTypes, DURATION, type TypesOf } from '../../shared/value-types';
import type { ICheckpointTable } from '../../stores/checkpoint-table';
import { definitionOf } from '../../stores/existing-table';
import type { Broker, BrokerConfig, ValidationContext, WorkflowParts } from '../broker';
import { checkStreamOptions, mapStream, STREAM_TYPES, type StreamOptions } from '../stream-mapping';

/** The stream of the checkpoint table as an event source. */
export interface DynamoDbEventSourceOptions extends StreamOptions {
  /**
   * Age at which Lambda discards a record and sends its position in the stream to the dead-letter queue. The envelope stays in the checkpoint
   * table.
   *
   * Valid range: 1 minute to 24 hours, in whole seconds. DynamoDB Streams keeps records for 24 hours.
   * @see https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
   *
   * @default Duration.hours(12)
   */
  readonly maxRecordAge?: Duration;
}

const TYPES: TypesOf<DynamoDbEventSourceOptions> = { ...STREAM_TYPES, maxRecordAge: DURATION };

/** The identity of every workflow's checkpoint stream. */
export const CHECKPOINT_STREAM = 'the stream of the checkpoint table';

const VIEWS_WITH_ENVELOPES: readonly string[] = [
  dynamodb.StreamViewType.NEW_IMAGE,
  dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
];

/** Rejects the stream of another table, and the stream of a replica, whose ARN ends with a wildcard because the AWS CDK does not know it. */
function checkStreamOf(errors: ValidationErrors, table: dynamodb.ITable, streamArn: string, stack: Stack): void {
  const [tableText, streamText] = [literalOf(table.tableArn, stack), literalOf(streamArn, stack)];
  const [tableId, streamId] = [logicalIdOf(table.tableArn, stack), logicalIdOf(streamArn, stack)];
  const isReplica = streamText?.endsWith('/*') ?? JSON.stringify(stack.resolve(streamArn)).includes('/stream/*');
  if (isReplica) {
    errors.add(
      `The stream of the existing checkpointTable "${table.node.path}" is that of a replica, whose ARN is unknown at synthesis. Use a table of the workflow's Region, or import the table with Table.fromTableAttributes(…, { tableArn, tableStreamArn }).`,
    );
  } else if (
    (tableText !== undefined && streamText !== undefined && !streamText.startsWith(`${tableText}/stream/`)) ||
    (tableId !== undefined && streamId !== undefined && tableId !== streamId)
  ) {
    errors.add(
      `The tableStreamArn ${streamText ?? `of "${streamId}"`} of the existing checkpointTable "${table.node.path}" belongs to another table or Region than the tableArn ${tableText ?? `of "${tableId}"`}. Use the ARN of the stream of this table.`,
    );
  }
}

export class DynamoDbEventSource implements Broker<EventSourceConfiguration<'dynamodb'>> {
  constructor(private readonly options: DynamoDbEventSourceOptions) {}

  public identity(): unknown {
    return CHECKPOINT_STREAM;
  }

  public resourceId(): string {
    return 'DynamoDb';
  }

  public check(errors: ValidationErrors, context: ValidationContext): void {
    const options = checkTypes<DynamoDbEventSourceOptions>(errors, this.options, TYPES);
    checkStreamOptions(errors, options, context);
    errors.checkDuration('maxRecordAge', options.maxRecordAge, {
      min: Duration.minutes(1),
      max: Duration.hours(24),
      reason: 'DynamoDB Streams limit',
    });
    const table = context.checkpointTable?.table;
    if (!table) return;
    if (table.tableStreamArn === undefined) {
      errors.add(
        'The existing checkpointTable has no stream, or was imported without its stream. Enable a stream with StreamViewType.NEW_IMAGE, ' +
          'and import the table with Table.fromTableAttributes(…, { tableArn, tableStreamArn }).',
      );
    }
    const definition = definitionOf(table);
    if (table.tableStreamArn !== undefined) {
      if (definition && !definition.streamSpecification) {
        errors.add(
          `The existing checkpointTable "${table.node.path}" has no stream. Set dynamoStream of a TableV2, or stream of a Table, to StreamViewType.NEW_IMAGE.`,
        );
      } else {
        checkStreamOf(errors, table, table.tableStreamArn, context.stack);
      }
    }
    const view = definition?.streamSpecification?.streamViewType;
    if (view !== undefined && !VIEWS_WITH_ENVELOPES.includes(view)) {
      errors.add(
        `The stream of the existing checkpointTable "${table.node.path}" has the view type ${view}, which omits the new items. ` +
          "Set the table's stream to StreamViewType.NEW_IMAGE.",
      );
    }
  }

  public bind(scope: Construct, workflow: WorkflowParts): BrokerConfig<EventSourceConfiguration<'dynamodb'>> {
    const { table } = workflow.checkpointTable;
    const streamArn = table.tableStreamArn;
    // Validation has rejected an existing table without a stream, and a new table has one.
    if (streamArn === undefined) throw new Error(`The table "${table.node.path}" has no stream.`);
    grantStream(table, streamArn, workflow.function);
    mapStream(
      scope.node.id,
      {
        eventSourceArn: streamArn,
        // Envelopes that were written before the mapping existed must run, too.
        startingPosition: lambda.StartingPosition.TRIM_HORIZON,
        maxRecordAge: this.options.maxRecordAge,
        // Mailbox items and the items of ended executions carry no envelope.
        filters: [
          lambda.FilterCriteria.filter({
            eventName: lambda.FilterRule.or(...DELIVERED_CHANGES),
            dynamodb: { NewImage: { [ENVELOPE_ATTRIBUTE]: { S: lambda.FilterRule.exists() } } },
          }),
        ],
      },
      this.options,
      workflow,
    );
    return configOf(workflow.checkpointTable);
  }

  public attach(
    errors: ValidationErrors,
    checkpointTable: ICheckpointTable | undefined,
  ): BrokerConfig<EventSourceConfiguration<'dynamodb'>> | undefined {
    checkTypes<DynamoDbEventSourceOptions>(errors, this.options, TYPES);
    return checkpointTable && configOf(checkpointTable);
  }
}

function configOf({ table }: ICheckpointTable): BrokerConfig<EventSourceConfiguration<'dynamodb'>> {
  return tableConfig(table, { service: 'dynamodb' });
}
