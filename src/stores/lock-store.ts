import type * as iam from 'aws-cdk-lib/aws-iam';
import type { CacheConfiguration, LockStoreConfiguration, TableConfiguration } from '#contract';
import type { ILockCache } from './lock-cache';
import type { ILockTable } from './lock-table';
import { tableConfiguration } from './tables';
import { grantTable } from '../shared/grants';

/** The lock store of a workflow, independent of the service. */
export interface LockStoreConfig<Configuration extends LockStoreConfiguration> {
  /** How the runtime and the client find the locks. */
  readonly configuration: Configuration;
  /** Allows reading locks. */
  grantRead(grantee: iam.IGrantable): iam.Grant;
  /** Allows changing locks, but not reading them. */
  grantWrite(grantee: iam.IGrantable): iam.Grant;
  /** Allows acquiring the locks of several executions in one request, reading them and changing them. */
  grantAcquire(grantee: iam.IGrantable): iam.Grant;
}

export function bindLockTable(lockTable: ILockTable): LockStoreConfig<TableConfiguration> {
  const { table } = lockTable;
  return {
    configuration: tableConfiguration(lockTable),
    grantRead: (grantee) => grantTable(table, grantee, 'GetItem'),
    grantWrite: (grantee) => grantTable(table, grantee, 'UpdateItem'),
    // BatchExecuteStatement requires the action of each statement.
    grantAcquire: (grantee) => grantTable(table, grantee, 'GetItem', 'PartiQLUpdate', 'UpdateItem'),
  };
}

export function bindLockCache(cache: ILockCache): LockStoreConfig<CacheConfiguration> {
  // Reading runs a script, as writing does, so both need the same permission.
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
