import { ElastiCacheForClients } from './for-clients';
import { LockCache } from './lock-cache';
import { RunningExecutionsCache } from './running-executions-cache';
import type { WorkflowCache } from '../../contract/configuration';

/** The caches of a workflow in ElastiCache. */
export class ElastiCache extends ElastiCacheForClients {
  public override lockCache(cache: WorkflowCache): LockCache {
    return new LockCache(this.connectionTo(cache), cache);
  }

  public runningExecutions(cache: WorkflowCache): RunningExecutionsCache {
    return new RunningExecutionsCache(this.connectionTo(cache), cache);
  }
}
