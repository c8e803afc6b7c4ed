import type { ConnectionOptions } from 'node:tls';
import type { Redis } from 'iovalkey';
import { loadClient } from './load-client';
import type { Script } from './scripts';
import type { CacheConfiguration } from '../../contract/configuration';
import { LocksUnavailableError } from '../../engine/errors';
import type { Clock } from '../../engine/ports';
import { asError } from '../../engine/thrown';
import { FsmError } from '../../machine/fsm-error';
import { AccessDeniedError, CredentialsError } from '../service-errors';

/** A healthy cache in the same network accepts a connection within a few milliseconds, TLS included. */
const CONNECT_TIMEOUT_MS = 1_000;

/** A healthy cache responds within a millisecond. A request that hangs must not use up the invocation. */
const REQUEST_TIMEOUT_MS = 2_000;

/** The number of attempts of a request. They take at most ten seconds, a third of the function's default timeout. */
const ATTEMPTS = 3;

/** The pause after an attempt, multiplied by its number. */
const PAUSE_MS = 100;

/**
 * ElastiCache closes a connection twelve hours after its authentication. A new connection replaces it one hour earlier.
 *
 * @see https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html#auth-iam-limits
 */
const MAX_AGE_MS = 11 * 3_600_000;

/** The address of a cache and the identity that connects. */
export interface CacheAccess {
  readonly cache: Pick<CacheConfiguration, 'endpoint' | 'userName'>;
  readonly tls: ConnectionOptions;
  readonly clock: Clock;
  /** The password or the authentication token. Called for each connection, so that the token has not expired. */
  token(): Promise<string>;
}

interface Link {
  readonly client: Promise<Redis>;
  readonly openedAt: number;
}

/**
 * The connection to a serverless cache, which presents all its shards as one node. It opens on the first request, stays open, and is replaced
 * when it fails or becomes old.
 *
 * An execution environment may be frozen between two invocations for longer than the cache, or a device in between, keeps an idle
 * connection. A request that finds the connection broken is therefore retried on a new one. It is unknown whether the first attempt took
 * effect, so every script must be safe to run twice.
 */
export class CacheConnection {
  private link?: Link;

  constructor(private readonly access: CacheAccess) {}

  /**
   * Runs a script on one key.
   *
   * @throws LocksUnavailableError when the cache did not answer any of the attempts; the script may have run
   * @throws CredentialsError, AccessDeniedError when the cache refuses the user
   */
  public async evaluate(script: Script, key: string, parameters: readonly (string | number)[]): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      const link = this.fresh();
      try {
        return await evaluateOn(await link.client, script, key, parameters);
      } catch (thrown) {
        // During a failover of the cache, a healthy connection returns errors because its node lost its role.
        this.drop(link);
        if (attempt === ATTEMPTS) {
          throw failureOf(this.access.cache, asError(thrown));
        }
        await this.access.clock.sleep(PAUSE_MS * attempt);
      }
    }
  }

  /** Closes the connection. Pending requests fail. */
  public close(): void {
    if (this.link) this.drop(this.link);
  }

  private fresh(): Link {
    const old = this.link;
    const now = this.access.clock.now();
    if (old && now - old.openedAt < MAX_AGE_MS) return old;
    this.link = { client: this.open(), openedAt: now };
    // QUIT closes the connection after the pending responses.
    if (old) old.client.then((client) => client.quit()).catch(() => undefined);
    return this.link;
  }

  private drop(link: Link): void {
    if (this.link === link) this.link = undefined;
    link.client.then((client) => client.disconnect()).catch(() => undefined);
  }

  private async open(): Promise<Redis> {
    const { cache, tls } = this.access;
    const { hostname, port } = new URL(`rediss://${cache.endpoint}`);
    const { Redis } = await loadClient();
    const client = new Redis({
      host: hostname,
      port: Number(port),
      username: cache.userName,
      password: await this.access.token(),
      // The certificate names the host, not its address.
      tls: { servername: hostname, ...tls },
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: REQUEST_TIMEOUT_MS,
      // Requests follow the authentication immediately: the cache processes them in order.
      enableReadyCheck: false,
      // `evaluate` retries, in the same way for all kinds of failure.
      enableOfflineQueue: false,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      keepAlive: 10_000,
    });
    let error: unknown;
    client.on('error', (thrown) => {
      error = thrown;
    });
    try {
      await client.connect();
    } catch (thrown) {
      // The thrown error only says that the connection is closed; the event has the reason.
      throw error ?? thrown;
    }
    return client;
  }
}

/** Explains the failure of every attempt. An error that already has an explanation is returned unchanged. */
function failureOf({ endpoint, userName }: CacheAccess['cache'], error: Error): FsmError {
  if (error instanceof FsmError) return error;
  const request = {
    service: 'Amazon ElastiCache',
    action: `a connection of user "${userName}"`,
    resource: `lock cache "${endpoint}"`,
  };
  if (/^(WRONGPASS|NOAUTH)\b/.test(error.message)) return new CredentialsError(request, error);
  if (/^NOPERM\b/.test(error.message)) return new AccessDeniedError({ ...request, action: 'EVALSHA and EVAL' }, error);
  return new LocksUnavailableError(
    `the lock cache at ${endpoint} failed ${ATTEMPTS} times, most recently with: ${error.message}`,
    error,
  );
}

/** The cache remembers scripts until it restarts. After a restart it needs their text again. */
async function evaluateOn(
  client: Redis,
  script: Script,
  key: string,
  parameters: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await client.evalsha(script.sha1, 1, key, ...parameters);
  } catch (thrown) {
    if (!(thrown instanceof Error) || !thrown.message.startsWith('NOSCRIPT')) throw thrown;
    return client.eval(script.text, 1, key, ...parameters);
  }
}
