import { connectionTo, SimulatedCache } from './services/cache';
import { SimulatedDynamoDb, Table } from './services/dynamodb';
import { clientOf } from './services/service';
import { CheckpointTable } from '../../lambda/aws/dynamodb/checkpoint-table';
import { LockTable } from '../../lambda/aws/dynamodb/lock-table';
import { MailboxTable } from '../../lambda/aws/dynamodb/mailbox-table';
import { RetryTable } from '../../lambda/aws/dynamodb/retry-table';
import { RunningExecutionsTable } from '../../lambda/aws/dynamodb/running-executions-table';
import { CacheConnection } from '../../lambda/aws/elasticache/connection';
import { LockCache } from '../../lambda/aws/elasticache/lock-cache';
import { RunningExecutionsCache } from '../../lambda/aws/elasticache/running-executions-cache';
import type { ExecutionStatus, LockStore, RunningExecution, RunningExecutions } from '../../lambda/engine';
import { SeededRandom, VirtualClock, type EnvironmentParts } from '../../lambda/testing';
import { CacheServer, findCacheServer } from '../aws/cache-server';
import { Embedded } from '../aws/embedded';
import { checkpoint } from '../contract/journal';
import { dispatch } from '../contract/transport';

jest.setTimeout(60_000);

const NOW = 1_900_000_000_000;
const EXECUTIONS = ['a', 'b'];
const STATUSES: readonly ExecutionStatus[] = ['running', 'parked', 'completed', 'failed', 'cancelled'];

const clock = new VirtualClock(NOW);
const partsOf = (seed: string): EnvironmentParts => ({
  clock: { now: () => clock.now(), sleep: async () => undefined },
  random: new SeededRandom(seed),
  call: (_name, effect) => effect({ entries: new Map(), delay: [0, 0] }),
});

/** What an adapter answers, or the class of its error. */
const answerOf = (call: Promise<unknown>) => call.catch((error: Error) => error.name);

/** Asks a lock store for this and that, as chance has it, and tells what it answers. */
async function askLocks(store: LockStore, random: SeededRandom, calls: number): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (let call = 0; call < calls; call += 1) {
    const executionId = random.pick(EXECUTIONS);
    const stored = await store.read(executionId);
    const near = (value: number = 0) => Math.max(0, value + random.pick([0, 0, 0, 1, 1, -1]));
    const [step, parent, fence] = [near(stored?.step), near(random.pick([stored?.parent, stored?.fence])), near(stored?.fence)];
    const now = NOW + call * random.pick([0, 400]);
    const holder = `holder-${random.between(0, 20)}`;
    const lease = { executionId, step, parent, fence, expires: now };
    const request = { executionId, machine: 'order', step, parent, state: `s${step}`, holder, now, expires: now + 1_000, place: undefined };
    const other = { ...request, executionId: executionId === 'a' ? 'b' : 'a', step: 0, parent: 0 };
    const asks: readonly (() => Promise<unknown>)[] = [
      () => store.acquire(request),
      () => store.acquire(request),
      () => Promise.all([store.acquire(request), store.acquire(other)]),
      () => store.release(lease),
      () => store.commit(lease, random.pick(STATUSES), now),
      () => store.reopen(executionId, fence, now),
      ...call % 30 === 29 ? [() => store.cancel(executionId, now)] : [],
    ];
    answers.push(await answerOf(random.pick(asks)()), await store.read(executionId));
  }
  return answers;
}

/** The same with a list of the executions that are under way. */
async function askRunning(store: RunningExecutions, random: SeededRandom, calls: number): Promise<unknown[]> {
  const byName = (counted: readonly RunningExecution[] = []) => [...counted].sort((a, b) => a.executionId.localeCompare(b.executionId));
  const answers: unknown[] = [];
  for (let call = 0; call < calls; call += 1) {
    const [executionId, fence, expires] = [random.pick(['a', 'b', 'c', '__proto__']), random.between(0, 4), NOW + random.between(0, 4)];
    const group = random.pick(['running order 0', 'running order 1']);
    if (random.chance(0.6)) await store.enter(group, 2, { executionId, fence, expires });
    else await store.leave(group, executionId, fence, random.pick([undefined, expires]));
    answers.push(byName(await store.enter(group, 0, { executionId: 'nobody', fence: 0, expires })));
  }
  return answers;
}

describe('the simulated services answer as the servers do', () => {
  const embedded = Embedded.use();

  async function both() {
    const [locks, checkpoints, retries] = await Promise.all([embedded.table('locks'), embedded.table('checkpoints'), embedded.table('retries')]);
    const tables = new Map([
      [locks, new Table(['executionId'], clock, 0)],
      [checkpoints, new Table(['executionId', 'entry'], clock, 0)],
      [retries, new Table(['shard', 'due'], clock, 0)],
    ]);
    const simulated = clientOf(new SimulatedDynamoDb(tables, clock), partsOf('simulated'));
    const items = async () => Promise.all([locks, checkpoints, retries].map(async (name) => {
      const sorted = (all: readonly object[]) => all.map((item) => JSON.stringify(Object.entries(item).sort())).sort();
      return [sorted(await embedded.items(name)), sorted(tables.get(name)?.items ?? [])];
    }));
    return { clients: [embedded.dynamoDb(), simulated], locks, checkpoints, retries, items };
  }

  /** What is left in the tables must be the same, too. */
  async function expectSameItems(items: () => Promise<readonly (readonly (readonly string[])[])[]>): Promise<void> {
    for (const [real, simulated] of await items()) expect(simulated).toEqual(real);
  }

  test.each([1, 2, 3, 4, 5, 6])('to the table of locks, asked at random (%d)', async (seed) => {
    const { clients, locks, items } = await both();
    const [real, simulated] = await Promise.all(clients.map((client) => (
      askLocks(new LockTable(client, { tableName: locks, retentionDays: 30 }), new SeededRandom(seed), 90)
    )));
    expect(simulated).toEqual(real);
    expect(real?.filter((answer) => answer === 'Error')).toEqual([]);
    await expectSameItems(items);
  });

  test('to the lists of executions that are under way, asked at random', async () => {
    const { clients, locks } = await both();
    const [real, simulated] = await Promise.all(clients.map((client) => (
      askRunning(new RunningExecutionsTable(client, locks), new SeededRandom('running'), 150)
    )));
    expect(simulated).toEqual(real);
  });

  test('to the mailbox, the journal and the retry table', async () => {
    const { clients, checkpoints, retries, items } = await both();
    const [real, simulated] = await Promise.all(clients.map(async (client) => {
      const random = new SeededRandom('tables');
      const parts = partsOf('adapters');
      const table = { tableName: checkpoints, retentionDays: 30 };
      const [mailbox, journal] = [new MailboxTable(client, table, parts), new CheckpointTable(client, table, parts)];
      const queue = new RetryTable(client, { tableName: retries, shards: 2 }, parts);
      const answers: unknown[] = [];
      for (let call = 0; call < 150; call += 1) {
        const executionId = random.pick(EXECUTIONS);
        const [step, fence, at] = [random.between(0, 3), random.between(1, 4), NOW + random.between(0, 3)];
        const asks: readonly (() => Promise<unknown>)[] = [
          () => mailbox.put(executionId, { id: `id-${random.between(0, 9)}`, event: 'paid', data: { call } }),
          () => mailbox.remove(executionId, [random.between(1, 5), 77]),
          () => mailbox.createSecret(executionId, `secret-${call}`),
          ...call % 20 === 19 ? [() => mailbox.expire(executionId)] : [],
          () => journal.write([checkpoint(executionId, step, fence), checkpoint(executionId, step + 1, fence, { outcome: 'parked', context: { call } })]),
          // The same entry twice: the service refuses the batch, and takes each alone.
          () => journal.write([checkpoint(executionId, step, fence), checkpoint(executionId, step, fence)]),
          () => journal.expire(executionId, step, fence),
          () => queue.send([dispatch(executionId, step, { notBefore: at }), dispatch(executionId, step + 1, { notBefore: at })]),
          async () => {
            for await (const page of queue.due(at)) await queue.remove(page.slice(0, 1));
          },
        ];
        answers.push(await answerOf(random.pick(asks)()));
        answers.push(await mailbox.list(executionId), await journal.history(executionId), await journal.read(executionId, step, fence));
      }
      return answers;
    }));
    expect(simulated).toEqual(real);
    await expectSameItems(items);
  });

  const binary = findCacheServer();
  (binary ? test : test.skip)('to the cache of locks, asked at random', async () => {
    const server = await CacheServer.start(binary!);
    const connection = new CacheConnection({
      cache: { endpoint: `localhost:${server.port}`, userName: 'orders' },
      token: async () => 'token',
      tls: { ca: server.ca },
      clock: { now: () => Date.now(), sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)) },
    });
    try {
      await server.user('orders', 'on ~* +@all', 'token');
      for (let seed = 1; seed <= 6; seed += 1) {
        await server.admin.flushall();
        const connections = [connection, connectionTo(new SimulatedCache(clock), partsOf('cache'))];
        const stores = connections.map((each) => new LockCache(each, 30));
        const [real, simulated] = await Promise.all(stores.map((store) => askLocks(store, new SeededRandom(seed), 150)));
        expect(simulated).toEqual(real);
        const lists = connections.map((each) => askRunning(new RunningExecutionsCache(each), new SeededRandom(seed), 150));
        expect(await lists[1]).toEqual(await lists[0]);
      }
    } finally {
      connection.close();
      await server.remove();
    }
  });
});
