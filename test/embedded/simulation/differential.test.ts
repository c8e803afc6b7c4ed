import { CheckpointTable } from '../../../lambda/aws/dynamodb/checkpoint-table';
import { LockTable } from '../../../lambda/aws/dynamodb/lock-table';
import { MailboxTable } from '../../../lambda/aws/dynamodb/mailbox-table';
import { DynamoDbRetryQueue } from '../../../lambda/aws/dynamodb/retry-queue';
import { RunningExecutionsTable } from '../../../lambda/aws/dynamodb/running-executions-table';
import { CacheConnection } from '../../../lambda/aws/elasticache/connection';
import { LockCache } from '../../../lambda/aws/elasticache/lock-cache';
import { RunningExecutionsCache } from '../../../lambda/aws/elasticache/running-executions-cache';
import type { ExecutionStatus, LockStore, RunningExecution, RunningExecutions } from '../../../lambda/engine';
import { SeededRandom } from '../../../lambda/testing';
import type { EnvironmentParts } from '../../../lambda/testing/bench/execution-environment';
import { VirtualClock } from '../../../lambda/testing/determinism/virtual-clock';
import { checkpoint } from '../../contracts/journal';
import { dispatch } from '../../contracts/transport';
import { connectionTo, SimulatedCache } from '../../simulation/services/cache';
import { SimulatedDynamoDb, Table } from '../../simulation/services/dynamodb';
import { clientOf } from '../../simulation/services/service';
import { INCARNATION, keyOf } from '../../support/execution-key';
import { historyOf } from '../../support/history';
import { recordStartOf } from '../../support/recorded-start';
import { CacheServer, findCacheServer } from '../../support/servers/cache-server';
import { Embedded } from '../../support/servers/embedded';

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

/** The answer of an adapter, or the class of its error. */
const answerOf = (call: Promise<unknown>) => call.catch((error: Error) => error.name);

/** Makes random requests to a lock store, and returns its answers. */
async function askLocks(store: LockStore, random: SeededRandom, calls: number): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const executionId of EXECUTIONS) {
    await recordStartOf(store, { ...keyOf(executionId), machine: 'order', now: NOW });
  }
  for (let call = 0; call < calls; call += 1) {
    const executionId = random.pick(EXECUTIONS);
    const stored = await store.read(executionId);
    const near = (value: number = 0) => Math.max(0, value + random.pick([0, 0, 0, 1, 1, -1]));
    const [step, parent, fence] = [
      near(stored?.step),
      near(random.pick([stored?.parent, stored?.fence])),
      near(stored?.fence),
    ];
    const now = NOW + call * random.pick([0, 400]);
    const holder = `holder-${random.between(0, 20)}`;
    const lease = { executionId, incarnation: INCARNATION, step, parent, fence, expires: now };
    const request = {
      executionId,
      incarnation: INCARNATION,
      machine: 'order',
      step,
      parent,
      state: `s${step}`,
      holder,
      now,
      expires: now + 1_000,
      redriven: 0,
      alone: true,
      place: undefined,
    };
    const other = { ...request, executionId: executionId === 'a' ? 'b' : 'a', step: 0, parent: 0 };
    const asks: readonly (() => Promise<unknown>)[] = [
      () => recordStartOf(store, request),
      () => store.acquire(request),
      () => store.acquire(request),
      () => Promise.all([store.acquire(request), store.acquire(other)]),
      () => store.release(lease),
      () => store.commit(lease, random.pick(STATUSES), now),
      () => store.reopen({ ...keyOf(executionId), fence }, now),
      ...(call % 30 === 29 ? [() => store.cancel(executionId, now)] : []),
    ];
    answers.push(await answerOf(random.pick(asks)()), await store.read(executionId));
  }
  return answers;
}

/** Makes random requests to the lists of running executions, and returns the answers. */
async function askRunning(store: RunningExecutions, random: SeededRandom, calls: number): Promise<unknown[]> {
  const groups = ['running order 0', 'running order 1'];
  const byName = (counted: readonly RunningExecution[]) =>
    [...counted].sort((a, b) => a.executionId.localeCompare(b.executionId));
  const answers: unknown[] = [];
  for (let call = 0; call < calls; call += 1) {
    const [executionId, fence, expires] = [
      random.pick(['a', 'b', 'c', '__proto__']),
      random.between(0, 4),
      NOW + random.between(0, 4),
    ];
    const group = random.pick(groups);
    const answer = random.chance(0.6)
      ? await store.enter(group, random.between(0, 2), { executionId, fence, expires })
      : await store.leave(group, executionId, fence, random.pick([undefined, expires]));
    answers.push(answer, (await store.read(groups)).map(byName));
  }
  return answers;
}

describe('the simulated services answer like the servers', () => {
  const embedded = Embedded.use();

  async function both() {
    const [locks, checkpoints, retries] = await Promise.all([
      embedded.table('locks'),
      embedded.table('checkpoints'),
      embedded.table('retries'),
    ]);
    const tables = new Map([
      [locks, new Table(['executionId'], clock, 0)],
      [checkpoints, new Table(['executionId', 'entry'], clock, 0)],
      [retries, new Table(['shard', 'due'], clock, 0)],
    ]);
    const simulated = clientOf(new SimulatedDynamoDb(tables, clock), partsOf('simulated'));
    const items = async () =>
      Promise.all(
        [locks, checkpoints, retries].map(async (name) => {
          const sorted = (all: readonly object[]) =>
            all.map((item) => JSON.stringify(Object.entries(item).sort())).sort();
          return [sorted(await embedded.items(name)), sorted(tables.get(name)?.items ?? [])];
        }),
      );
    return { clients: [embedded.dynamoDb(), simulated], locks, checkpoints, retries, items };
  }

  /** Compares the items that remain in the tables. */
  async function expectSameItems(items: () => Promise<readonly (readonly (readonly string[])[])[]>): Promise<void> {
    for (const [real, simulated] of await items()) expect(simulated).toEqual(real);
  }

  test.each([1, 2, 3, 4, 5, 6])('random requests to the lock table (%d)', async (seed) => {
    const { clients, locks, items } = await both();
    const [real, simulated] = await Promise.all(
      clients.map((client) =>
        askLocks(
          new LockTable(client, { tableName: locks, workflow: 'orders', retentionDays: 30 }),
          new SeededRandom(seed),
          90,
        ),
      ),
    );
    expect(simulated).toEqual(real);
    expect(real?.filter((answer) => answer === 'Error')).toEqual([]);
    await expectSameItems(items);
  });

  test('random requests to the lists of running executions', async () => {
    const { clients, locks } = await both();
    const [real, simulated] = await Promise.all(
      clients.map((client) =>
        askRunning(
          new RunningExecutionsTable(client, { tableName: locks, workflow: 'orders' }),
          new SeededRandom('running'),
          150,
        ),
      ),
    );
    expect(simulated).toEqual(real);
  });

  test('requests to the mailbox, the journal and the retry table', async () => {
    const { clients, checkpoints, retries, items } = await both();
    const [real, simulated] = await Promise.all(
      clients.map(async (client) => {
        const random = new SeededRandom('tables');
        const parts = partsOf('adapters');
        const table = { tableName: checkpoints, workflow: 'orders', retentionDays: 30 };
        const [mailbox, journal] = [new MailboxTable(client, table, parts), new CheckpointTable(client, table, parts)];
        const queue = new DynamoDbRetryQueue(client, { tableName: retries, shards: 2 }, parts);
        const answers: unknown[] = [];
        for (let call = 0; call < 150; call += 1) {
          const executionId = random.pick(EXECUTIONS);
          const [step, fence, at] = [random.between(0, 3), random.between(1, 4), NOW + random.between(0, 3)];
          const asks: readonly (() => Promise<unknown>)[] = [
            () => mailbox.put(keyOf(executionId), { id: `id-${random.between(0, 9)}`, event: 'paid', data: { call } }),
            () => mailbox.put({ executionId }, { id: `id-${random.between(0, 9)}`, event: 'approved' }),
            () => mailbox.put(keyOf(executionId), { id: 'callback', event: 'paid', step, data: random.between(0, 1) }),
            async () => {
              const first = await mailbox.first(keyOf(executionId), ['paid', 'approved'], step);
              if (!first) return undefined;
              await mailbox.remove(executionId, first.key);
              return first;
            },
            async () => {
              const found = await mailbox.find(keyOf(executionId), `id-${random.between(0, 9)}`);
              return found && mailbox.hide(executionId, found.key, random.chance(0.5));
            },
            () => mailbox.createSecret(keyOf(executionId), step, { secret: `secret-${call}`, events: ['paid'] }),
            ...(call % 20 === 19 ? [() => mailbox.expire(keyOf(executionId))] : []),
            () =>
              journal.write([
                checkpoint(executionId, step, fence),
                checkpoint(executionId, step + 1, fence, { outcome: 'parked', context: { call } }),
              ]),
            // The same entry twice: the service rejects the batch, and accepts each entry alone.
            () => journal.write([checkpoint(executionId, step, fence), checkpoint(executionId, step, fence)]),
            () => journal.expire(keyOf(executionId), step, fence),
            () =>
              queue.send([
                dispatch(executionId, step, { notBefore: at }),
                dispatch(executionId, step + 1, { notBefore: at }),
              ]),
            async () => {
              for await (const page of queue.due(at, 0)) await queue.remove(page.slice(0, 1));
            },
          ];
          answers.push(await answerOf(random.pick(asks)()));
          answers.push(
            await mailbox.list(keyOf(executionId), 3),
            await historyOf(journal, executionId),
            await journal.read(keyOf(executionId), step, fence),
          );
        }
        return answers;
      }),
    );
    expect(simulated).toEqual(real);
    await expectSameItems(items);
  });

  const binary = findCacheServer();
  (binary ? test : test.skip)('to random requests to the lock cache', async () => {
    const server = await CacheServer.start(binary!);
    const connection = new CacheConnection({
      cache: { endpoint: `localhost:${server.port}`, userName: 'orders' },
      token: async () => 'token',
      tls: { ca: server.ca },
      clock: {
        now: () => Date.now(),
        sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
      },
    });
    try {
      await server.user('orders', 'on ~* +@all', 'token');
      for (let seed = 1; seed <= 6; seed += 1) {
        await server.admin.flushall();
        const connections = [connection, connectionTo(new SimulatedCache(clock), partsOf('cache'))];
        const stores = connections.map((each) => new LockCache(each, { workflow: 'orders', retentionDays: 30 }));
        const [real, simulated] = await Promise.all(
          stores.map((store) => askLocks(store, new SeededRandom(seed), 150)),
        );
        expect(simulated).toEqual(real);
        const lists = connections.map((each) =>
          askRunning(new RunningExecutionsCache(each, { workflow: 'orders' }), new SeededRandom(seed), 150),
        );
        expect(await lists[1]).toEqual(await lists[0]);
      }
    } finally {
      connection.close();
      await server.remove();
    }
  });
});
