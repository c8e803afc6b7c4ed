import { defaultProvider } from '@aws-sdk/credential-provider-node';
import type { CacheConfiguration, WorkflowCache } from '../../contract/configuration';
import { Secrets } from '../secrets-manager';
import { authenticationToken } from './authentication-token';
import { ClientLockCache } from './client-lock-cache';
import { CacheConnection } from './connection';
import type { Clock } from '../../engine/ports';

/** The caches of a workflow in ElastiCache as its clients use them. */
export class ElastiCacheForClients {
  private readonly credentials = defaultProvider();
  private readonly secrets = new Secrets();
  private readonly connections = new Map<CacheConfiguration, CacheConnection>();

  constructor(private readonly system: { readonly clock: Clock }) {}

  public lockCache(cache: WorkflowCache): ClientLockCache {
    return new ClientLockCache(this.connectionTo(cache), cache);
  }

  /** Closes the connections. */
  public close(): void {
    this.connections.forEach((connection) => connection.close());
    this.secrets.close();
  }

  /** Locks and concurrent executions share one connection. */
  protected connectionTo(cache: CacheConfiguration): CacheConnection {
    const known = this.connections.get(cache);
    if (known) return known;
    const { clock } = this.system;
    const connection = new CacheConnection({
      cache,
      token: () =>
        'passwordSecret' in cache
          ? this.secrets.read(cache.passwordSecret, cache.passwordField)
          : authenticationToken(cache, this.credentials, clock.now()),
      tls: {},
      clock,
    });
    this.connections.set(cache, connection);
    return connection;
  }
}
