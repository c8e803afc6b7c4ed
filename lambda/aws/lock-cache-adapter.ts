import type { WorkflowCache } from '../contract/configuration';
import type { ClientLockStore, Clock } from '../engine/ports';
import { FsmError } from '../machine/fsm-error';

/** Lets a client reach the lock cache of a workflow. `cdk-lambda-fsm/client/lock-cache` exports the only one. */
export interface LockCacheAdapter {
  readonly service: 'elasticache';
}

/** An adapter as a client uses it. Its types are not public. */
export interface LockCacheConnector extends LockCacheAdapter {
  open(cache: WorkflowCache, system: { readonly clock: Clock }): ClientLockStore;
}

/** The locks of the workflow are in a cache, and the client was created without the adapter for it. */
export class LockCacheAdapterMissingError extends FsmError {
  public override readonly name = 'LockCacheAdapterMissingError';
  public override readonly code = 'LOCK_CACHE_ADAPTER_MISSING';

  constructor(workflow: string) {
    super(
      `The locks of workflow "${workflow}" are in a cache. Install iovalkey, import { lockCache } from 'cdk-lambda-fsm/client/lock-cache', ` +
        'and create new WorkflowClient(configuration, { lockCache }).',
    );
  }
}

/** @throws LockCacheAdapterMissingError if no adapter is given */
export function connectorOf(workflow: string, adapter: LockCacheAdapter | undefined): LockCacheConnector {
  if (!adapter) throw new LockCacheAdapterMissingError(workflow);
  // Only `cdk-lambda-fsm/client/lock-cache` makes an adapter, and it makes a connector.
  return adapter as LockCacheConnector;
}
