import type * as iam from 'aws-cdk-lib/aws-iam';
import { grantTable } from './access';
import type { ILockCache } from './lock-cache';
import type { ILockTable } from './lock-table';

/** Where the locks of a workflow are, whatever the service. */
export interface LockBinding {
  /** How the runtime and the client find them: a `TableConfiguration` or a `CacheConfiguration` of the runtime. */
  readonly configuration: Readonly<Record<string, string | number | boolean>>;
  /** Lets someone look at locks. */
  grantRead(grantee: iam.IGrantable): iam.Grant;
  /** Lets someone change locks, which need not be looked at for that. */
  grantWrite(grantee: iam.IGrantable): iam.Grant;
  /** Lets someone acquire locks, those of several executions at once, too, and look at them and change them. */
  grantAcquire(grantee: iam.IGrantable): iam.Grant;
}

export function bindLockCache(cache: ILockCache): LockBinding {
  // Who reads runs a script like anybody else.
  const grant = (grantee: iam.IGrantable) => cache.grantConnect(grantee);
  return {
    configuration: {
      service: 'elasticache',
      endpoint: cache.endpoint,
      retentionDays: cache.retention.toDays(),
      ...cache.authentication._configuration(cache),
    },
    grantRead: grant,
    grantWrite: grant,
    grantAcquire: grant,
  };
}

/** Both, of which the second takes over when the first does not answer. */
export function bindWithFailover(first: LockBinding, second: LockBinding): LockBinding {
  return {
    configuration: first.configuration,
    grantRead: (grantee) => first.grantRead(grantee).combine(second.grantRead(grantee)),
    // What the second has become in an outage, the first takes over before it is changed.
    grantWrite: (grantee) => first.grantWrite(grantee).combine(second.grantRead(grantee)).combine(second.grantWrite(grantee)),
    grantAcquire: (grantee) => first.grantAcquire(grantee).combine(second.grantAcquire(grantee)),
  };
}

export function bindLockTable({ table, retention }: ILockTable): LockBinding {
  return {
    configuration: { service: 'dynamodb', tableName: table.tableName, retentionDays: retention.toDays() },
    grantRead: (grantee) => grantTable(table, grantee, 'GetItem'),
    grantWrite: (grantee) => grantTable(table, grantee, 'UpdateItem'),
    // The statements of a BatchExecuteStatement.
    grantAcquire: (grantee) => grantTable(table, grantee, 'GetItem', 'PartiQLInsert', 'PartiQLUpdate', 'UpdateItem'),
  };
}
