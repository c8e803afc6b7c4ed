import type { ConnectionOptions } from 'node:tls';
import type { Redis } from 'iovalkey';
import type { Clock } from '../../engine/ports';
import type { CacheConfiguration } from '../configuration';
import type { Script } from './scripts';

/** Milliseconds within which a connection stands: a healthy cache in the same network takes a few, with TLS. */
const CONNECT_TIMEOUT = 1_000;

/** Milliseconds after which an answer is given up: a healthy cache takes one. It must not eat the invocation. */
const REQUEST_TIMEOUT = 2_000;

/** How often a request is made before it is given up: ten seconds at worst, a third of the function's default timeout. */
const ATTEMPTS = 3;

/** Milliseconds between the attempts, times their number. */
const PAUSE = 100;

/**
 * ElastiCache closes a connection twelve hours after it has authenticated. An hour earlier another one takes over.
 *
 * @see https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html#auth-iam-limits
 */
const MAX_AGE = 11 * 3_600_000;

/** Where the cache is, and who connects. */
export interface CacheAccess {
  readonly cache: Pick<CacheConfiguration, 'endpoint' | 'userName'>;
  readonly tls: ConnectionOptions;
  readonly clock: Clock;
  /** The password, or the token that stands in for one; asked for anew for each connection, so that it cannot have run out. */
  token(): Promise<string>;
}

interface Link {
  readonly client: Promise<Redis>;
  readonly openedAt: number;
}

/**
 * The connection to a serverless cache, which shows all its shards as one node. It is opened when it is first needed, kept, and replaced
 * when it fails or becomes old.
 *
 * A Lambda environment may sleep between two invocations for longer than the cache, or something on the way to it, keeps an idle
 * connection. So a request that finds the connection broken is made once more on a new one. Whether the first one took effect is then
 * unknown: scripts must bear being run twice.
 */
export class CacheConnection {
  private link?: Link;

  constructor(private readonly access: CacheAccess) {}

  /**
   * Runs a script on one key.
   *
   * @throws Error when the cache did not answer as often as it was asked; the script may have run
   */
  public async evaluate(script: Script, key: string, parameters: readonly (string | number)[]): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      const link = this.fresh();
      try {
        return await evaluateOn(await link.client, script, key, parameters);
      } catch (thrown) {
        // A cache that fails over answers with an error on a connection that is sound, but leads to a node that lost its role.
        this.drop(link);
        if (attempt === ATTEMPTS) {
          const reason = thrown instanceof Error ? thrown.message : String(thrown);
          throw new Error(`The lock cache at ${this.access.cache.endpoint} has failed ${ATTEMPTS} times, at last with: ${reason}`, { cause: thrown });
        }
        await this.access.clock.sleep(PAUSE * attempt);
      }
    }
  }

  /** Closes the connection; what was asked and not answered fails. */
  public close(): void {
    if (this.link) this.drop(this.link);
  }

  private fresh(): Link {
    const old = this.link;
    const now = this.access.clock.now();
    if (old && now - old.openedAt < MAX_AGE) return old;
    this.link = { client: this.open(), openedAt: now };
    // It answers what it was asked before it closes.
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
      // An address has no certificate, and no name that a server could be told.
      tls: { servername: hostname, ...tls },
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT,
      commandTimeout: REQUEST_TIMEOUT,
      // Requests follow the authentication at once; the cache answers them in order.
      enableReadyCheck: false,
      // Repeating is done above, for all kinds of failure in one way.
      enableOfflineQueue: false,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      keepAlive: 10_000,
    });
    let error: unknown;
    client.on('error', (thrown) => { error = thrown; });
    try {
      await client.connect();
    } catch (thrown) {
      // The client tells here that the connection is closed, and there why.
      throw error ?? thrown;
    }
    return client;
  }
}

/**
 * A bundler that meets the import of a package which is not installed gives up, but not where the failure is handled. So who has no cache
 * can bundle a client of this library without the package.
 */
async function loadClient(): Promise<{ readonly Redis: typeof Redis }> {
  try {
    // Named exports of a CommonJS module do not survive every bundler; the module as a whole does.
    return (await import('iovalkey')).default;
  } catch (thrown) {
    throw new Error('Locks in a cache need the package "iovalkey", which is not installed: npm install iovalkey.', { cause: thrown });
  }
}

/** The cache keeps the scripts that it has run until it is restarted; then it must be told the text again. */
async function evaluateOn(client: Redis, script: Script, key: string, parameters: readonly (string | number)[]): Promise<unknown> {
  try {
    return await client.evalsha(script.sha1, 1, key, ...parameters);
  } catch (thrown) {
    if (!(thrown instanceof Error) || !thrown.message.startsWith('NOSCRIPT')) throw thrown;
    return client.eval(script.text, 1, key, ...parameters);
  }
}
