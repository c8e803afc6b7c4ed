import type { Duration } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { CHECKPOINT_TABLE_KEY, TTL_ATTRIBUTE } from '#contract';
import {
  DEFAULT_RETENTION,
  attributesOf,
  checkTableProps,
  tableDefaults,
  type ImportedTableOptions,
  type WorkflowTableProps,
} from './tables';
import { ValidationErrors } from '../shared/validation-errors';

/** A DynamoDB table that stores the journal and the mailbox of each execution. */
export interface ICheckpointTable {
  /** The table: partition key `executionId` (string), sort key `entry` (string). As an event source, it requires a stream of new images. */
  readonly table: dynamodb.ITable;
  /** How long the journal of a completed execution is kept. */
  readonly retention: Duration;
}

/**
 * A DynamoDB table that stores the journal of each execution (one item per step), the contexts of parked and failed executions, and the
 * mailboxes with events that executions have not consumed yet.
 *
 * The table has a stream, so that a workflow can switch to `EventSource.dynamoDb()` without replacing the table. A stream is free until it is
 * read.
 */
export class CheckpointTable extends Construct implements ICheckpointTable {
  /**
   * Uses an existing table with the partition key `executionId` (string), the sort key `entry` (string), and the time-to-live attribute `ttl`.
   * Workflows may share a table: each partition key is the name of the workflow, followed by a slash and the id of the execution.
   *
   * As an event source, the table must also have a stream of new images, be imported with the stream's ARN, and belong to this workflow alone.
   * Synthesis cannot check the view type of an imported table's stream: if the stream carries no new images, no execution runs.
   *
   * @param table a table in the account and Region of the workflow
   */
  public static fromTable(table: dynamodb.ITable, options: ImportedTableOptions = {}): ICheckpointTable {
    const { retention = DEFAULT_RETENTION } = options;
    return { table, retention };
  }

  /** The table: partition key `executionId` (string), sort key `entry` (string), with a stream of new images. */
  public readonly table: dynamodb.ITable;
  /** How long the journal of a completed execution is kept. */
  public readonly retention: Duration;

  /** @throws Error if `retention` is invalid */
  constructor(scope: Construct, id: string, props: WorkflowTableProps = {}) {
    super(scope, id);
    const errors = new ValidationErrors();
    checkTableProps(errors, props);
    errors.throwIfAny(`CheckpointTable "${this.node.path}"`);
    this.retention = props.retention ?? DEFAULT_RETENTION;

    this.table = new dynamodb.Table(this, 'Table', {
      ...tableDefaults(props),
      ...attributesOf(CHECKPOINT_TABLE_KEY),
      stream: dynamodb.StreamViewType.NEW_IMAGE,
      timeToLiveAttribute: TTL_ATTRIBUTE,
    });
  }
}
