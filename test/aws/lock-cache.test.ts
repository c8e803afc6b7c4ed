import { createHash, createHmac } from 'node:crypto';
import { BreakingWire } from './breaking-wire';
import { CacheServer, findCacheServer } from './cache-server';
import { SecretsServer } from './secrets-server';
import { authenticationToken } from '../../lambda/aws/elasticache/authentication-token';
import { CacheConnection } from '../../lambda/aws/elasticache/connection';
import { LockCache } from '../../lambda/aws/elasticache/lock-cache';
import { RunningExecutionsCache } from '../../lambda/aws/elasticache/running-executions-cache';
import { Secrets } from '../../lambda/aws/secrets-manager';
import type { AcquireRequest, Clock, ExecutionStatus, Lock } from '../../lambda/engine/ports';
import { LockCache as LockCacheConstruct } from '../../src/lock-cache';
import { describeLockStoreContract } from '../contract/lock-store';
import { describeRunningExecutionsContract } from '../contract/running-executions';

const NOW = 1_900_000_000_000;
const RETENTION_DAYS = 30;
const HOUR = 3_600_000;
const { ACCESS_STRING } = LockCacheConstruct;
const CACHE = { cacheName: 'Orders-Locks', userName: 'orders-locks', region: 'eu-west-1' };
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', sessionToken: 'a/session+token==' };

const binary = findCacheServer();
const describeWithServer = binary ? describe : describe.skip;

describeWithServer('a server of Valkey or Redis', () => {
  let server: CacheServer;
  let wire: BreakingWire;
  const opened: CacheConnection[] = [];

  beforeAll(async () => {
    server = await CacheServer.start(binary!);
  }, 60_000);
  afterAll(() => server.remove());
  beforeEach(async () => {
    await server.admin.flushall();
    wire = await BreakingWire.to(server.port);
  });
  afterEach(async () => {
    opened.splice(0).forEach((connection) => connection.close());
    await wire.close();
  });

  /** A lock cache with what the construct gives it: the rights of its user, and a token for the moment. */
  async function open(port = server.port) {
    const time = { now: NOW };
    const clock: Clock = { now: () => time.now, sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)) };
    const tokens: string[] = [];
    await server.user(CACHE.userName, ACCESS_STRING, tokenAt(NOW));
    const connection = new CacheConnection({
      cache: { ...CACHE, endpoint: `localhost:${port}` },
      token: async () => {
        const token = await authenticationToken(CACHE, async () => CREDENTIALS, clock.now());
        tokens.push(token);
        return token;
      },
      tls: { ca: server.ca },
      clock,
    });
    opened.push(connection);
    const store = new LockCache(connection, RETENTION_DAYS);
    const acquire = async (step: number, parent: number, more: Partial<AcquireRequest> = {}): Promise<Lock> => {
      const answer = await store.acquire({
        executionId: 'e', machine: 'order', step, parent, state: 's', holder: `holder-${step}`, now: NOW, expires: NOW + 1_000, ...more,
      });
      if (!answer.acquired) throw new Error('refused');
      return answer.lock;
    };
    return { store, connection, acquire, time, tokens };
  }

  describeLockStoreContract('LockCache', async () => (await open()).store);
  describeRunningExecutionsContract('RunningExecutionsCache', async () => new RunningExecutionsCache((await open()).connection));

  it('runs one script for each call, whatever it comes to', async () => {
    const { store, acquire } = await open();
    let lease = await acquire(0, 0);
    const scripts = async (call: () => Promise<unknown>) => {
      await call().catch(() => undefined);
      await server.commands();
      await call().catch(() => undefined);
      const { evalsha, eval: texts, auth } = await server.commands();
      return { evalsha, texts, auth };
    };
    const one = { evalsha: 1, texts: undefined, auth: undefined };
    expect(await scripts(() => acquire(1, 7))).toEqual(one);
    expect(await scripts(async () => { lease = await acquire(1, 1); })).toEqual(one);
    expect(await scripts(() => store.commit(lease, 'failed', NOW))).toEqual(one);
    expect(await scripts(() => store.reopen('e', 2, NOW))).toEqual(one);
    expect(await scripts(() => store.release(lease))).toEqual(one);
    expect(await scripts(() => store.read('e'))).toEqual(one);
  });

  it('gives a cache that has forgotten the scripts their texts again', async () => {
    const { store, acquire } = await open();
    await acquire(0, 0);
    await server.admin.call('SCRIPT', 'FLUSH');
    await acquire(1, 1);
    expect(await store.read('e')).toMatchObject({ step: 1, fence: 2 });
    expect(wire.connections).toBe(0);
  });

  it('takes a password from Secrets Manager, and the next one when it was rotated', async () => {
    const secretsServer = await SecretsServer.start();
    const secrets = new Secrets();
    try {
      Object.assign(process.env, secretsServer.environment);
      const rotate = async (password: string) => {
        secretsServer.secrets.set('arn:locks', JSON.stringify({ username: 'locks', password }));
        await server.user('locks', ACCESS_STRING, password);
        await server.admin.call('CLIENT', 'KILL', 'USER', 'locks');
      };
      await rotate('the first password');
      const connection = new CacheConnection({
        cache: { userName: 'locks', endpoint: `localhost:${server.port}` },
        token: () => secrets.read('arn:locks', 'password'),
        tls: { ca: server.ca },
        clock: { now: () => NOW, sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)) },
      });
      opened.push(connection);
      const store = new LockCache(connection, RETENTION_DAYS);
      expect(await store.read('e')).toBeUndefined();
      expect(await store.read('e')).toBeUndefined();
      expect(secretsServer.requests).toEqual(['arn:locks']);
      await rotate('the second password');
      expect(await store.read('e')).toBeUndefined();
      expect(secretsServer.requests).toEqual(['arn:locks', 'arn:locks']);
    } finally {
      secrets.close();
      await secretsServer.stop();
    }
  });

  describe('time to live', () => {
    const inRetention = NOW / 1_000 + RETENTION_DAYS * 86_400;
    const expiry = () => server.admin.call('EXPIRETIME', 'lock:e');

    it.each<[ExecutionStatus, number]>([
      ['completed', inRetention], ['cancelled', inRetention], ['parked', -1], ['failed', -1], ['running', -1],
    ])('of a lock that is %s: %s', async (status, expected) => {
      const { store, acquire } = await open();
      await store.release(await acquire(0, 0));
      expect(await expiry()).toBe(-1);
      const lease = await acquire(0, 0);
      expect(await expiry()).toBe(-1);
      await store.commit(lease, status, NOW);
      expect(await expiry()).toBe(expected);
    });

    it('is taken back when the execution goes on after all', async () => {
      const { store, acquire } = await open();
      const lease = await acquire(0, 0);
      await store.commit(lease, 'cancelled', NOW);
      await acquire(1, 1);
      expect(await expiry()).toBe(-1);
    });

    it('is taken back when a commit that follows says so', async () => {
      const { store, acquire } = await open();
      const lease = await acquire(0, 0);
      await store.commit(lease, 'completed', NOW);
      await store.commit(lease, 'failed', NOW);
      expect(await expiry()).toBe(-1);
      expect(await store.reopen('e', 1, NOW)).toBe(true);
      expect(await expiry()).toBe(-1);
    });

    it('keeps the fence growing past the end of a lease', async () => {
      const { acquire } = await open();
      await acquire(0, 0);
      // All that has a time to live is gone by then.
      expect(await server.admin.call('DBSIZE')).toBe(1);
      expect(await acquire(0, 0, { holder: 'another', now: NOW + 365 * 24 * HOUR, expires: NOW + 366 * 24 * HOUR })).toMatchObject({ fence: 2 });
    });
  });

  describe('when the answer to its own write was lost', () => {
    it('has acquired, and only once', async () => {
      const { store, acquire } = await open(wire.port);
      await store.read('e');
      wire.loseAnswer();
      expect(await acquire(0, 0)).toMatchObject({ fence: 1, holder: 'holder-0' });
      expect(wire.connections).toBe(2);
      wire.loseAnswer();
      expect(await acquire(1, 1)).toMatchObject({ fence: 2, step: 1 });
      wire.loseAnswer();
      expect(await acquire(1, 1, { holder: 'another', now: NOW + 1_001, expires: NOW + 3_000 })).toMatchObject({ fence: 3, holder: 'another' });
      expect(await store.read('e')).toMatchObject({ fence: 3 });
    });

    it('has committed', async () => {
      const { store, acquire } = await open(wire.port);
      const lease = await acquire(0, 0);
      wire.loseAnswer();
      expect(await store.commit(lease, 'completed', NOW)).toBe(true);
      expect(await store.read('e')).toMatchObject({ status: 'completed', done: true });
    });

    it('has released', async () => {
      const { store, acquire } = await open(wire.port);
      const lease = await acquire(0, 0);
      wire.loseAnswer();
      await store.release(lease);
      expect(await store.read('e')).toMatchObject({ expires: 0, released: 1 });
    });

    it('has reopened', async () => {
      const { store, acquire } = await open(wire.port);
      await store.commit(await acquire(0, 0), 'failed', NOW);
      wire.loseAnswer();
      expect(await store.reopen('e', 1, NOW + 5)).toBe(true);
    });
  });

  describe('the connection', () => {
    it('authenticates with a token that ElastiCache would reckon to be the same', async () => {
      expect(await authenticationToken(CACHE, async () => CREDENTIALS, NOW)).toBe(tokenAt(NOW));
      const { store } = await open();
      expect(await store.read('e')).toBeUndefined();
    });

    it('to a replication group is signed for that', async () => {
      const token = await authenticationToken({ ...CACHE, nodeBased: true }, async () => CREDENTIALS, NOW);
      expect(new URL(`https://${token}`).searchParams.get('ResourceType')).toBeNull();
      expect(token).toMatch(/^orders-locks\/\?Action=connect&User=orders-locks&/);
    });

    it('is not made with any other token', async () => {
      const { store } = await open();
      await server.user(CACHE.userName, ACCESS_STRING, tokenAt(NOW + 1_000));
      await expect(store.read('e')).rejects.toThrow(/The lock cache at localhost:\d+ has failed 3 times, at last with: WRONGPASS/);
    });

    it('is made once for many calls at once', async () => {
      const { store, tokens } = await open(wire.port);
      await Promise.all(Array.from({ length: 20 }, (_, index) => store.read(`e-${index}`)));
      expect(wire.connections).toBe(1);
      expect(tokens).toHaveLength(1);
    });

    it('is made anew, with a new token, when the cache has closed it', async () => {
      const { store, time, tokens } = await open();
      await store.read('e');
      time.now += 2 * HOUR;
      await server.user(CACHE.userName, ACCESS_STRING, tokenAt(time.now));
      await server.admin.call('CLIENT', 'KILL', 'USER', CACHE.userName);
      expect(await store.read('e')).toBeUndefined();
      expect(tokens).toEqual([tokenAt(NOW), tokenAt(time.now)]);
    });

    it('is replaced in the hour before the cache would close it, without breaking what is under way', async () => {
      const { store, time, tokens } = await open(wire.port);
      await store.read('e');
      time.now += 11 * HOUR - 1;
      await store.read('e');
      expect(wire.connections).toBe(1);
      const underWay = store.read('e');
      time.now += 1;
      await server.user(CACHE.userName, ACCESS_STRING, tokenAt(time.now));
      expect(await Promise.all([underWay, store.read('e')])).toEqual([undefined, undefined]);
      expect(wire.connections).toBe(2);
      expect(tokens).toHaveLength(2);
      const names = String(await server.admin.call('CLIENT', 'LIST'));
      expect(names.split(`user=${CACHE.userName}`)).toHaveLength(2);
    });

    it('is given up when it has gone dead while nobody looked', async () => {
      const { acquire } = await open(wire.port);
      await acquire(0, 0);
      wire.forgetConnections();
      const began = Date.now();
      expect(await acquire(1, 1)).toMatchObject({ fence: 2 });
      expect(Date.now() - began).toBeGreaterThan(1_900);
      expect(Date.now() - began).toBeLessThan(5_000);
    });

    it('outlives a restart of the cache, and tells of one that is down', async () => {
      const { store, acquire } = await open();
      await acquire(0, 0);
      await server.stop();
      await expect(store.read('e')).rejects.toThrow(/The lock cache at localhost:\d+ has failed 3 times, at last with: .*ECONNREFUSED/);
      await server.start();
      await server.user(CACHE.userName, ACCESS_STRING, tokenAt(NOW));
      expect(await store.read('e')).toBeUndefined();
    });

    it('refuses a certificate that nobody vouches for', async () => {
      await server.user(CACHE.userName, ACCESS_STRING, 'token');
      const connection = new CacheConnection({
        cache: { ...CACHE, endpoint: `localhost:${server.port}` },
        token: async () => 'token',
        tls: {},
        clock: { now: () => NOW, sleep: async () => undefined },
      });
      await expect(new LockCache(connection, 1).read('e')).rejects.toThrow(/self-signed certificate/);
    });

    it('may touch nothing but locks', async () => {
      const { connection } = await open();
      const script = (text: string) => ({ text, sha1: createHash('sha1').update(text).digest('hex') });
      const read = 'return redis.call(\'HGETALL\', KEYS[1])';
      await expect(connection.evaluate(script(read), 'lock:e', [])).resolves.toEqual([]);
      await expect(connection.evaluate(script(read), 'theirs', [])).rejects.toThrow('NOPERM');
      await expect(connection.evaluate(script('return redis.call(\'DEL\', KEYS[1])'), 'lock:e', [])).rejects.toThrow(/can't run this command|ACL|NOPERM/);
    });
  });

  it('tells of a hash that it has not written', async () => {
    const { store, acquire } = await open();
    await server.admin.hset('lock:e', 'machine', 'order');
    await expect(store.read('e')).rejects.toThrow('The hash lock:e has no field "step": it is no lock of this library.');
    await server.admin.del('lock:e');
    await acquire(0, 0);
    await server.admin.hset('lock:e', 'fence', 'x');
    await expect(store.read('e')).rejects.toThrow('The field "fence" of the hash lock:e is no integer');
  });

  // These hold the timelines of docs/lock-stores.md to what the store does.
  describe('a cache that has lost data', () => {
    const later = { holder: 'another' };

    it('lets a start run once more when it has lost the lock: the fence is used twice', async () => {
      const { acquire } = await open();
      expect(await acquire(0, 0)).toMatchObject({ fence: 1 });
      await server.admin.del('lock:e');
      expect(await acquire(0, 0, later)).toMatchObject({ fence: 1 });
    });

    it('lets two attempts hold one step with one fence when it has lost the latest acquisition', async () => {
      const { acquire } = await open();
      await acquire(0, 0);
      const replica = await server.admin.hgetall('lock:e');
      expect(await acquire(1, 1)).toMatchObject({ fence: 2 });
      await server.admin.hset('lock:e', replica);
      expect(await acquire(1, 1, later)).toMatchObject({ fence: 2, holder: 'another' });
    });

    it('runs no step but the start when it has lost the lock', async () => {
      const { store, acquire } = await open();
      await acquire(0, 0);
      await server.admin.del('lock:e');
      const answer = await store.acquire({
        executionId: 'e', machine: 'order', step: 1, parent: 1, state: 's', holder: 'h', now: NOW, expires: NOW + 1,
      });
      expect(answer).toEqual({ acquired: false, lock: undefined });
    });
  });
});

/** A token by the rules of Signature Version 4, step by step: what ElastiCache compares with. */
function tokenAt(now: number): string {
  const time = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${time.slice(0, 8)}/eu-west-1/elasticache/aws4_request`;
  const parameters = {
    'Action': 'connect',
    'ResourceType': 'ServerlessCache',
    'User': CACHE.userName,
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${CREDENTIALS.accessKeyId}/${scope}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': '900',
    'X-Amz-Security-Token': CREDENTIALS.sessionToken,
    'X-Amz-SignedHeaders': 'host',
  };
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const query = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  const host = 'orders-locks';
  const request = ['GET', '/', query, `host:${host}`, '', 'host', sha256('')].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(request)].join('\n');
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${CREDENTIALS.secretAccessKey}`);
  return `${host}/?${[...query.split('&'), `X-Amz-Signature=${hmac(key, toSign).toString('hex')}`].sort().join('&')}`;
}
