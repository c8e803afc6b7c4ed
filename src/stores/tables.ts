import { Duration, PhysicalName, RemovalPolicy } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { TableConfiguration } from '#contract';
import type { ValidationErrors } from '../shared/validation-errors';
import { checkTypes, KEY, RETENTION, type TypesOf } from '../shared/value-types';

/** Properties of a new table of a workflow. */
export interface WorkflowTableProps {
  /**
   * The customer managed key that encrypts the table.
   *
   * @default - an AWS owned key
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * Removal policy of the table. It applies when the stack is deleted or the table is replaced.
   *
   * @default RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * Whether DynamoDB rejects the deletion of the table.
   *
   * @default false
   */
  readonly deletionProtection?: boolean;
  /**
   * How long the items of a completed execution are kept. The items of parked and failed executions do not expire.
   *
   * Valid range: 15 to 3650 days, in whole days. The minimum exceeds the 14 days for which SQS can redeliver a message, so that a late message
   * is still recognized as a duplicate.
   *
   * @default Duration.days(30)
   */
  readonly retention?: Duration;
}

/** Options for an existing table that a workflow uses. */
export interface ImportedTableOptions {
  /**
   * How long the items of a completed execution are kept. The items of parked and failed executions do not expire.
   *
   * Valid range: 15 to 3650 days, in whole days.
   *
   * @default Duration.days(30)
   */
  readonly retention?: Duration;
}

const TYPES: TypesOf<WorkflowTableProps> = { encryptionKey: KEY, retention: RETENTION };

/** Adds the errors in the properties of a new table. */
export function checkTableProps(errors: ValidationErrors, props: WorkflowTableProps): void {
  const { retention } = checkTypes<WorkflowTableProps>(errors, props, TYPES);
  if (retention) checkRetention(errors, retention);
}

/** A table whose items are kept for a time after their execution has completed. */
interface RetainingTable {
  readonly table: dynamodb.ITable;
  readonly retention: Duration;
}

export const DEFAULT_RETENTION = Duration.days(30);

const MIN_RETENTION_DAYS = 15;
const MAX_RETENTION_DAYS = 3650;

/** The key of a table, as the contract with the runtime defines it. */
interface TableKey {
  readonly partitionKey: KeyAttribute;
  readonly sortKey?: KeyAttribute;
}

interface KeyAttribute {
  readonly name: string;
  readonly type: 'S' | 'N';
}

const ATTRIBUTE_TYPES = { S: dynamodb.AttributeType.STRING, N: dynamodb.AttributeType.NUMBER };

/** The key of a table in the types of the AWS CDK. */
export function attributesOf({ partitionKey, sortKey }: TableKey): {
  readonly partitionKey: dynamodb.Attribute;
  readonly sortKey?: dynamodb.Attribute;
} {
  const attributeOf = ({ name, type }: KeyAttribute) => ({ name, type: ATTRIBUTE_TYPES[type] });
  return { partitionKey: attributeOf(partitionKey), ...(sortKey && { sortKey: attributeOf(sortKey) }) };
}

/** Properties of every new table: on-demand capacity, encryption, and point-in-time recovery. */
export function tableDefaults(
  props: Pick<WorkflowTableProps, 'encryptionKey' | 'removalPolicy' | 'deletionProtection'>,
) {
  return {
    tableName: PhysicalName.GENERATE_IF_NEEDED,
    billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
    encryptionKey: props.encryptionKey,
    deletionProtection: props.deletionProtection,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  } satisfies Partial<dynamodb.TableProps>;
}

/** How the runtime finds a table. */
export function tableConfiguration({ table, retention }: RetainingTable): TableConfiguration {
  return { service: 'dynamodb', tableName: table.tableName, retentionDays: retention.toDays() };
}

export function checkRetention(errors: ValidationErrors, retention: Duration): void {
  if (retention.isUnresolved()) {
    errors.add(
      'retention must be known at synthesis, because it is part of the runtime configuration. Use Duration.days(n).',
    );
    return;
  }
  const days = retention.toDays({ integral: false });
  if (!Number.isInteger(days) || days < MIN_RETENTION_DAYS || days > MAX_RETENTION_DAYS) {
    errors.add(
      `Invalid retention ${retention.toHumanString()}: expected ${MIN_RETENTION_DAYS} to ${MAX_RETENTION_DAYS} days in whole days, so that a message that is redelivered late is recognized.`,
    );
  }
}
