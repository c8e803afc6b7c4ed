import { createHash, createHmac } from 'node:crypto';
import { authenticationToken } from '../../../../lambda/aws/elasticache/authentication-token';
import { ClientLockCache } from '../../../../lambda/aws/elasticache/client-lock-cache';
import { CacheConnection } from '../../../../lambda/aws/elasticache/connection';
import { LockCache } from '../../../../lambda/aws/elasticache/lock-cache';
import { RunningExecutionsCache } from '../../../../lambda/aws/elasticache/running-executions-cache';
import { Secrets } from '../../../../lambda/aws/secrets-manager';
import type { AcquireRequest, Clock, ExecutionStatus, Lock } from '../../../../lambda/engine/ports';
import { LockCache as LockCacheConstruct } from '../../../../src/stores/lock-cache';
import { describeLockStoreContract } from '../../../contracts/lock-store';
import { describeRunningExecutionsContract } from '../../../contracts/running-executions';
import { BreakingWire } from '../../../support/breaking-wire';
import { INCARNATION, keyOf } from '../../../support/execution-key';
import { recordStartOf } from '../../../support/recorded-start';
import { CacheServer, findCacheServer } from '../../../support/servers/cache-server';
import { SecretsServer } from '../../../support/servers/secrets-server';

const NOW = 1_900_000_000_000;
const RETENTION_DAYS = 30;
const HOUR = 3_600_000;
const { ACCESS_STRING } = LockCacheConstruct;
const CACHE = {
  workflow: 'orders',
  cacheName: 'Orders-Locks',
  userName: 'orders-locks',
  region: 'eu-west-1',
  retentionDays: RETENTION_DAYS,
};
const CREDENTIALS = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'a/session+token==',
};

const binary = findCacheServer();
const describeWithServer = binary ? describe : describe.skip;

describeWithServer('a Valkey or Redis server', () => {
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

  /** A lock cache as the construct creates it: with the permissions of its user and a current token. */
  async function open(port = server.port) {
    const time = { now: NOW };
    const clock: Clock = {
      now: () => time.now,
      sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    };
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
    const store = new LockCache(connection, CACHE);
    // Over a connection of its own, so that the tests observe only the requests of the store.
    const starts = new ClientLockCache(
      { evaluate: (script, key, parameters) => server.admin.eval(script.text, 1, key, ...parameters) },
      CACHE,
    );
    const acquire = async (step: number, parent: number, more: Partial<AcquireRequest> = {}): Promise<Lock> => {
      if (step === 0) await recordStartOf(starts, { ...keyOf('e'), machine: 'order', now: NOW });
      const answer = await store.acquire({
        executionId: 'e',
        incarnation: INCARNATION,
        machine: 'order',
        step,
        parent,
        state: 's',
        holder: `holder-${step}`,
        now: NOW,
        expires: NOW + 1_000,
        redriven: 0,
        alone: true,
        ...more,
      });
      if (!answer.acquired) throw new Error('refused');
      return answer.lock;
    };
    return { store, connection, acquire, time, tokens };
  }

  describeLockStoreContract('LockCache', async () => (await open()).store);
  describeRunningExecutionsContract(
    'RunningExecutionsCache',
    async () => new RunningExecutionsCache((await open()).connection, CACHE),
  );

  test('runs one script per call, independent of its result', async () => {
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
    expect(
      await scripts(async () => {
        lease = await acquire(1, 1);
      }),
    ).toEqual(one);
    expect(await scripts(() => store.commit(lease, 'failed', NOW))).toEqual(one);
    expect(await scripts(() => store.reopen({ ...keyOf('e'), fence: 2 }, NOW))).toEqual(one);
    expect(await scripts(() => store.release(lease))).toEqual(one);
    expect(await scripts(() => store.read('e'))).toEqual(one);
  });

  test('sends the scripts again to a cache that lost them', async () => {
    const { store, acquire } = await open();
    await acquire(0, 0);
    await server.admin.call('SCRIPT', 'FLUSH');
    await acquire(1, 1);
    expect(await store.read('e')).toMatchObject({ step: 1, fence: 2 });
    expect(wire.connections).toBe(0);
  });

  test('reads a password from Secrets Manager, and again after a rotation', async () => {
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
      const store = new LockCache(connection, CACHE);
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
    // By the clock of the cache, whatever the clock of the caller is.
    const expiry = async () => {
      const seconds = Number(await server.admin.call('TTL', 'lock:orders/e'));
      return seconds < 0 ? 'never' : `in ${Math.round(seconds / 86_400)} days`;
    };

    test.each<[ExecutionStatus, string]>([
      ['completed', `in ${RETENTION_DAYS} days`],
      ['cancelled', `in ${RETENTION_DAYS} days`],
      ['parked', 'never'],
      ['failed', 'never'],
      ['running', 'never'],
    ])('of a lock that is %s: %s', async (status, expected) => {
      const { store, acquire } = await open();
      await store.release(await acquire(0, 0));
      expect(await expiry()).toBe('never');
      const lease = await acquire(0, 0);
      expect(await expiry()).toBe('never');
      await store.commit(lease, status, NOW);
      expect(await expiry()).toBe(expected);
    });

    test('is removed when the execution continues', async () => {
      const { store, acquire } = await open();
      const lease = await acquire(0, 0);
      await store.commit(lease, 'cancelled', NOW);
      await acquire(1, 1);
      expect(await expiry()).toBe('never');
    });

    test('is removed by a later commit', async () => {
      const { store, acquire } = await open();
      const lease = await acquire(0, 0);
      await store.commit(lease, 'completed', NOW);
      await store.commit(lease, 'failed', NOW);
      expect(await expiry()).toBe('never');
      expect(await store.reopen({ ...keyOf('e'), fence: 1 }, NOW)).toBe(true);
      expect(await expiry()).toBe('never');
    });

    test('keeps the fence growing after the lease expired', async () => {
      const { acquire } = await open();
      await acquire(0, 0);
      // Every key with a time to live has expired by then.
      expect(await server.admin.call('DBSIZE')).toBe(1);
      expect(
        await acquire(0, 0, { holder: 'another', now: NOW + 365 * 24 * HOUR, expires: NOW + 366 * 24 * HOUR }),
      ).toMatchObject({ fence: 2 });
    });
  });

  describe('when the response to its own write is lost', () => {
    test('acquires once', async () => {
      const { store, acquire } = await open(wire.port);
      await store.read('e');
      wire.loseAnswer();
      expect(await acquire(0, 0)).toMatchObject({ fence: 1, holder: 'holder-0' });
      expect(wire.connections).toBe(2);
      wire.loseAnswer();
      expect(await acquire(1, 1)).toMatchObject({ fence: 2, step: 1 });
      wire.loseAnswer();
      expect(await acquire(1, 1, { holder: 'another', now: NOW + 1_001, expires: NOW + 3_000 })).toMatchObject({
        fence: 3,
        holder: 'another',
      });
      expect(await store.read('e')).toMatchObject({ fence: 3 });
    });

    test('commits', async () => {
      const { store, acquire } = await open(wire.port);
      const lease = await acquire(0, 0);
      wire.loseAnswer();
      expect(await store.commit(lease, 'completed', NOW)).toBe(true);
      expect(await store.read('e')).toMatchObject({ status: 'completed', done: true });
    });

    test('releases', async () => {
      const { store, acquire } = await open(wire.port);
      const lease = await acquire(0, 0);
      wire.loseAnswer();
      await store.release(lease);
      expect(await store.read('e')).toMatchObject({ expires: 0, released: 1 });
    });

    test('reopens', async () => {
      const { store, acquire } = await open(wire.port);
      await store.commit(await acquire(0, 0), 'failed', NOW);
      wire.loseAnswer();
      expect(await store.reopen({ ...keyOf('e'), fence: 1 }, NOW + 5)).toBe(true);
    });
  });

  describe('the connection', () => {
    test('authenticates with the token that ElastiCache computes', async () => {
      expect(await authenticationToken(CACHE, async () => CREDENTIALS, NOW)).toBe(tokenAt(NOW));
      const { store } = await open();
      expect(await store.read('e')).toBeUndefined();
    });

    test('to a replication group has its own signature', async () => {
      const token = await authenticationToken({ ...CACHE, nodeBased: true }, async () => CREDENTIALS, NOW);
      expect(new URL(`https://${token}`).searchParams.get('ResourceType')).toBeNull();
      expect(token).toMatch(/^orders-locks\/\?Action=connect&User=orders-locks&/);
    });

    test('is refused with any other token', async () => {
      const { store } = await open();
      await server.user(CACHE.userName, ACCESS_STRING, tokenAt(NOW + 1_000));
      await expect(store.read('e')).rejects.toThrow(
        /The credentials for .* on the lock cache "localhost:\d+" .*WRONGPASS/,
      );
    });

    test('is shared by concurrent calls', async () => {
      const { store, tokens } = await open(wire.port);
      await Promise.all(Array.from({ length: 20 }, (_, index) => store.read(`e-${index}`)));
      expect(wire.connections).toBe(1);
      expect(tokens).toHaveLength(1);
    });

    test('is reopened with a new token after the cache closed it', async () => {
      const { store, time, tokens } = await open();
      await store.read('e');
      time.now += 2 * HOUR;
      await server.user(CACHE.userName, ACCESS_STRING, tokenAt(time.now));
      await server.admin.call('CLIENT', 'KILL', 'USER', CACHE.userName);
      expect(await store.read('e')).toBeUndefined();
      expect(tokens).toEqual([tokenAt(NOW), tokenAt(time.now)]);
    });

    test('is replaced in the hour before the cache closes it, without failing pending requests', async () => {
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

    test('is abandoned if it broke while idle', async () => {
      const { acquire } = await open(wire.port);
      await acquire(0, 0);
      wire.forgetConnections();
      const began = Date.now();
      expect(await acquire(1, 1)).toMatchObject({ fence: 2 });
      expect(Date.now() - began).toBeGreaterThan(1_900);
      expect(Date.now() - began).toBeLessThan(5_000);
    });

    test('survives a restart of the cache, and reports a cache that is down', async () => {
      const { store, acquire } = await open();
      await acquire(0, 0);
      await server.stop();
      await expect(store.read('e')).rejects.toThrow(
        /the lock cache at localhost:\d+ failed 3 times, most recently with: .*ECONNREFUSED/,
      );
      await server.start();
      await server.user(CACHE.userName, ACCESS_STRING, tokenAt(NOW));
      expect(await store.read('e')).toBeUndefined();
    });

    test('rejects an untrusted certificate', async () => {
      await server.user(CACHE.userName, ACCESS_STRING, 'token');
      const connection = new CacheConnection({
        cache: { ...CACHE, endpoint: `localhost:${server.port}` },
        token: async () => 'token',
        tls: {},
        clock: { now: () => NOW, sleep: async () => undefined },
      });
      await expect(new LockCache(connection, CACHE).read('e')).rejects.toThrow(/self-signed certificate/);
    });

    test('may access only locks', async () => {
      const { connection } = await open();
      const script = (text: string) => ({ text, sha1: createHash('sha1').update(text).digest('hex') });
      const read = "return redis.call('HGETALL', KEYS[1])";
      await expect(connection.evaluate(script(read), 'lock:orders/e', [])).resolves.toEqual([]);
      await expect(connection.evaluate(script(read), 'theirs', [])).rejects.toThrow('NOPERM');
      await expect(
        connection.evaluate(script("return redis.call('DEL', KEYS[1])"), 'lock:orders/e', []),
      ).rejects.toThrow(/can't run this command|ACL|NOPERM/);
    });
  });

  test('reports a foreign hash', async () => {
    const { store, acquire } = await open();
    await server.admin.hset('lock:orders/e', 'machine', 'order');
    await expect(store.read('e')).rejects.toThrow(
      'The hash lock:orders/e was not written by this library: it has no field "incarnation".',
    );
    await server.admin.del('lock:orders/e');
    await acquire(0, 0);
    await server.admin.hset('lock:orders/e', 'fence', 'x');
    await expect(store.read('e')).rejects.toThrow('it has no integer in the field "fence"');
  });

  // These tests verify the timelines of the guide to lock stores.
  describe('a cache that lost data', () => {
    const later = { holder: 'another' };

    test('lets two attempts hold one step with one fence if it lost the latest acquisition', async () => {
      const { acquire } = await open();
      await acquire(0, 0);
      const replica = await server.admin.hgetall('lock:orders/e');
      expect(await acquire(1, 1)).toMatchObject({ fence: 2 });
      await server.admin.hset('lock:orders/e', replica);
      expect(await acquire(1, 1, later)).toMatchObject({ fence: 2, holder: 'another' });
    });

    test.each([0, 1])('does not run step %d if it lost the lock', async (step) => {
      const { store, acquire } = await open();
      await acquire(0, 0);
      await server.admin.del('lock:orders/e');
      const answer = await store.acquire({
        executionId: 'e',
        incarnation: INCARNATION,
        machine: 'order',
        step,
        parent: step,
        state: 's',
        holder: 'h',
        now: NOW,
        expires: NOW + 1,
        redriven: 0,
        alone: true,
      });
      expect(answer).toEqual({ acquired: false, lock: undefined });
    });
  });
});

/** Computes a token by the rules of Signature Version 4, step by step, as ElastiCache does. */
function tokenAt(now: number): string {
  const time = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${time.slice(0, 8)}/eu-west-1/elasticache/aws4_request`;
  const parameters = {
    Action: 'connect',
    ResourceType: 'ServerlessCache',
    User: CACHE.userName,
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${CREDENTIALS.accessKeyId}/${scope}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': '900',
    'X-Amz-Security-Token': CREDENTIALS.sessionToken,
    'X-Amz-SignedHeaders': 'host',
  };
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const query = Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
  const host = 'orders-locks';
  const request = ['GET', '/', query, `host:${host}`, '', 'host', sha256('')].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(request)].join('\n');
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${CREDENTIALS.secretAccessKey}`);
  return `${host}/?${[...query.split('&'), `X-Amz-Signature=${hmac(key, toSign).toString('hex')}`].sort().join('&')}`;
}
