import type { Duration } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { LOCK_TABLE_KEY, TTL_ATTRIBUTE } from '#contract';
import {
  DEFAULT_RETENTION,
  attributesOf,
  checkTableProps,
  tableDefaults,
  type ImportedTableOptions,
  type WorkflowTableProps,
} from './tables';
import { ValidationErrors } from '../shared/validation-errors';

/** A DynamoDB table that stores the lease and the latest step of each execution. */
export interface ILockTable {
  /** The table: partition key `executionId` (string), no sort key. */
  readonly table: dynamodb.ITable;
  /** How long the lock of a completed execution is kept. Until it expires, starting the same execution again has no effect. */
  readonly retention: Duration;
}

/**
 * A DynamoDB table that stores the lease and the latest step of each execution, in one small item per execution.
 *
 * The item of a completed execution expires after the retention. Until then, starting the same execution again has no effect.
 */
export class LockTable extends Construct implements ILockTable {
  /**
   * Uses an existing table with the partition key `executionId` (string), no sort key, and the time-to-live attribute `ttl`. Workflows may
   * share a table: each key is the name of the workflow, followed by a slash and the id of the execution.
   *
   * @param table a table in the account and Region of the workflow
   */
  public static fromTable(table: dynamodb.ITable, options: ImportedTableOptions = {}): ILockTable {
    const { retention = DEFAULT_RETENTION } = options;
    return { table, retention };
  }

  /** The table: partition key `executionId` (string), no sort key. */
  public readonly table: dynamodb.ITable;
  /** How long the lock of a completed execution is kept. Until it expires, starting the same execution again has no effect. */
  public readonly retention: Duration;

  /** @throws Error if `retention` is invalid */
  constructor(scope: Construct, id: string, props: WorkflowTableProps = {}) {
    super(scope, id);
    const errors = new ValidationErrors();
    checkTableProps(errors, props);
    errors.throwIfAny(`LockTable "${this.node.path}"`);
    this.retention = props.retention ?? DEFAULT_RETENTION;

    this.table = new dynamodb.Table(this, 'Table', {
      ...tableDefaults(props),
      ...attributesOf(LOCK_TABLE_KEY),
      timeToLiveAttribute: TTL_ATTRIBUTE,
    });
  }
}
