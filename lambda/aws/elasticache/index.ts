import { defaultProvider } from '@aws-sdk/credential-provider-node';
import type { Clock } from '../../engine/ports';
import type { CacheConfiguration } from '../configuration';
import { Secrets } from '../secrets-manager';
import { authenticationToken } from './authentication-token';
import { CacheConnection } from './connection';
import { LockCache } from './lock-cache';
import { RunningExecutionsCache } from './running-executions-cache';

/** What ElastiCache does for a workflow. */
export class ElastiCache {
  private readonly credentials = defaultProvider();
  private readonly secrets = new Secrets();
  private readonly connections = new Map<CacheConfiguration, CacheConnection>();

  constructor(private readonly system: { readonly clock: Clock }) {}

  public lockCache(cache: CacheConfiguration): LockCache {
    return new LockCache(this.connectionTo(cache), cache.retentionDays);
  }

  public runningExecutions(cache: CacheConfiguration): RunningExecutionsCache {
    return new RunningExecutionsCache(this.connectionTo(cache));
  }

  /** Closes its connections. */
  public close(): void {
    this.connections.forEach((connection) => connection.close());
    this.secrets.close();
  }

  /** One for all that is in a cache. */
  private connectionTo(cache: CacheConfiguration): CacheConnection {
    const known = this.connections.get(cache);
    if (known) return known;
    const { clock } = this.system;
    const connection = new CacheConnection({
      cache,
      token: () => 'passwordSecret' in cache
        ? this.secrets.read(cache.passwordSecret, cache.passwordField)
        : authenticationToken(cache, this.credentials, clock.now()),
      tls: {},
      clock,
    });
    this.connections.set(cache, connection);
    return connection;
  }
}
