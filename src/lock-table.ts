import type { Duration } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { Problems } from './problems';
import {
  DEFAULT_RETENTION, LOCK_TABLE_KEYS, TIME_TO_LIVE_ATTRIBUTE, checkRetention,
  tableDefaults, type ImportedTableOptions, type WorkflowTableProps,
} from './workflow-table';

/** Where a workflow keeps the lease and the latest step of each execution. */
export interface ILockTable {
  /** The table: partition key `executionId` (string), no sort key. */
  readonly table: dynamodb.ITable;
  /** How long the lock of an execution that has completed is kept, and with it the knowledge that this execution has run. */
  readonly retention: Duration;
}

/**
 * A DynamoDB table that holds one small item for each execution: who may run it now, and how far it has come.
 *
 * The item of a completed execution is forgotten after the retention; until then a second start with the same execution id runs nothing.
 */
export class LockTable extends Construct implements ILockTable {
  /**
   * Uses a table that exists already. It needs the partition key `executionId` (string) and no sort key, and the attribute `ttl` as its
   * time to live.
   *
   * @param table in the same account and Region as the workflow
   */
  public static fromTable(table: dynamodb.ITable, options: ImportedTableOptions = {}): ILockTable {
    return { table, retention: options.retention ?? DEFAULT_RETENTION };
  }

  public readonly table: dynamodb.ITable;
  public readonly retention: Duration;

  constructor(scope: Construct, id: string, props: WorkflowTableProps = {}) {
    super(scope, id);
    this.retention = props.retention ?? DEFAULT_RETENTION;
    const problems = new Problems();
    checkRetention(problems, this.retention);
    problems.refuse(`LockTable "${this.node.path}"`);

    this.table = new dynamodb.Table(this, 'Table', {
      ...tableDefaults(props),
      ...LOCK_TABLE_KEYS,
      timeToLiveAttribute: TIME_TO_LIVE_ATTRIBUTE,
    });
  }
}
