import { ElastiCacheForClients } from '../../aws/elasticache/for-clients';
import type { LockCacheAdapter, LockCacheConnector } from '../../aws/lock-cache-adapter';

const connector: LockCacheConnector = {
  service: 'elasticache',
  open: (cache, system) => new ElastiCacheForClients(system).lockCache(cache),
};

/**
 * Lets a client reach the lock cache of a workflow. Requires the package `iovalkey`; outside of Lambda also `@smithy/signature-v4` and
 * `@aws-sdk/credential-provider-node`, and for a cache with a password `@aws-sdk/client-secrets-manager`.
 *
 * @example
 * ```ts
 * import { WorkflowClient } from 'cdk-lambda-fsm/client';
 * import { lockCache } from 'cdk-lambda-fsm/client/lock-cache';
 *
 * const client = WorkflowClient.fromEnvironment('FSM_WORKFLOW', { lockCache });
 * ```
 */
export const lockCache: LockCacheAdapter = connector;
export type { LockCacheAdapter };
