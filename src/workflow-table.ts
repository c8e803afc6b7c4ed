import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { Problems } from './problems';

/** How a table of a workflow is made. */
export interface WorkflowTableProps {
  /**
   * A key of your own to encrypt the table with.
   *
   * @default - a key that AWS owns
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * What happens to the table when its stack is deleted or it is replaced.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * How long what is no longer needed is kept. What belongs to an execution that is parked or has failed is kept without limit.
   *
   * Valid range: whole days, 15 to 3650. The least is longer than the 14 days for which a queue can deliver an old message again, which
   * must still be recognised.
   *
   * @default Duration.days(30)
   */
  readonly retention?: Duration;
}

/** An existing table that is to serve a workflow. */
export interface ImportedTableOptions {
  /**
   * How long what is no longer needed is kept: whole days, 15 to 3650.
   *
   * @default Duration.days(30)
   */
  readonly retention?: Duration;
}

export const DEFAULT_RETENTION = Duration.days(30);

/** The name of the attribute by which DynamoDB forgets what has expired. */
export const TIME_TO_LIVE_ATTRIBUTE = 'ttl';

/** The keys of the tables. */
export const LOCK_TABLE_KEYS = { partitionKey: { name: 'executionId', type: dynamodb.AttributeType.STRING } } as const;
export const CHECKPOINT_TABLE_KEYS = {
  partitionKey: { name: 'executionId', type: dynamodb.AttributeType.STRING },
  sortKey: { name: 'entry', type: dynamodb.AttributeType.STRING },
} as const;

/** What the tables of a workflow have in common: on-demand capacity, encryption, and recovery to any second of the last 35 days. */
export function tableDefaults(props: Pick<WorkflowTableProps, 'encryptionKey' | 'removalPolicy'>) {
  return {
    billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
    encryptionKey: props.encryptionKey,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
  } satisfies Partial<dynamodb.TableProps>;
}

export function checkRetention(problems: Problems, retention: Duration): void {
  if (retention.isUnresolved()) {
    problems.add('retention must be known at synth, because the runtime reckons with it. Give it as Duration.days(n).');
    return;
  }
  const days = retention.toDays({ integral: false });
  if (!Number.isInteger(days) || days < 15 || days > 3650) {
    problems.add(`retention must be whole days from 15 to 3650, so that an old message which is delivered again is recognised, but is ${retention.toHumanString()}.`);
  }
}
