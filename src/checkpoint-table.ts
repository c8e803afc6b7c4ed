import type { Duration } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { Problems } from './problems';
import {
  CHECKPOINT_TABLE_KEYS, DEFAULT_RETENTION, TIME_TO_LIVE_ATTRIBUTE, checkRetention,
  tableDefaults, type ImportedTableOptions, type WorkflowTableProps,
} from './workflow-table';

/** Where a workflow keeps the journal and the mailbox of each execution. */
export interface ICheckpointTable {
  /** The table: partition key `executionId` (string), sort key `entry` (string). As an event source it needs a stream of new images. */
  readonly table: dynamodb.ITable;
  /** How long the journal of an execution that has completed is kept. */
  readonly retention: Duration;
}

/**
 * A DynamoDB table that holds the journal of each execution, one item a step, the context of those that are parked or have failed, and the
 * events that wait for an execution.
 *
 * Its stream costs nothing until it is read, so it is there for the day on which the workflow takes it as an event source.
 */
export class CheckpointTable extends Construct implements ICheckpointTable {
  /**
   * Uses a table that exists already. It needs the partition key `executionId` (string) and the sort key `entry` (string), and the
   * attribute `ttl` as its time to live. To be an event source it needs a stream of new images, must have been imported with the stream's
   * ARN, and must be this workflow's alone. What the stream of an imported table tells cannot be seen at synth: without new images, no
   * execution would ever run.
   *
   * @param table in the same account and Region as the workflow
   */
  public static fromTable(table: dynamodb.ITable, options: ImportedTableOptions = {}): ICheckpointTable {
    return { table, retention: options.retention ?? DEFAULT_RETENTION };
  }

  public readonly table: dynamodb.ITable;
  public readonly retention: Duration;

  constructor(scope: Construct, id: string, props: WorkflowTableProps = {}) {
    super(scope, id);
    this.retention = props.retention ?? DEFAULT_RETENTION;
    const problems = new Problems();
    checkRetention(problems, this.retention);
    problems.refuse(`CheckpointTable "${this.node.path}"`);

    this.table = new dynamodb.Table(this, 'Table', {
      ...tableDefaults(props),
      ...CHECKPOINT_TABLE_KEYS,
      stream: dynamodb.StreamViewType.NEW_IMAGE,
      timeToLiveAttribute: TIME_TO_LIVE_ATTRIBUTE,
    });
  }
}
