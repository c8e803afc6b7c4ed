import { PutItemCommand, type BatchExecuteStatementCommandOutput } from '@aws-sdk/client-dynamodb';
import { LockTable } from '../../../../lambda/aws/dynamodb/lock-table';
import type { AcquireRequest, ExecutionStatus, Lock } from '../../../../lambda/engine/ports';
import { describeLockStoreContract } from '../../../contracts/lock-store';
import { requestsOf } from '../../../support/count-requests';
import { INCARNATION, keyOf } from '../../../support/execution-key';
import { fail, intercept, loseAnswers } from '../../../support/intercept';
import { recordStartOf } from '../../../support/recorded-start';
import { Embedded } from '../../../support/servers/embedded';

const NOW = 1_900_000_000_000;
const RETENTION_DAYS = 30;

const embedded = Embedded.use();

async function open() {
  const tableName = await embedded.table('locks');
  const client = embedded.dynamoDb();
  const store = new LockTable(client, { tableName, workflow: 'orders', retentionDays: RETENTION_DAYS });
  await recordStartOf(store, { ...keyOf('e'), machine: 'order', now: NOW });
  const acquire = async (step: number, parent: number, more: Partial<AcquireRequest> = {}): Promise<Lock> => {
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
  const item = async () => (await embedded.items(tableName))[0];
  return { client, store, tableName, acquire, item };
}

describeLockStoreContract('LockTable', async () => (await open()).store);

describe('LockTable', () => {
  test('sends one request per call, independent of its result', async () => {
    const { store, acquire } = await open();
    let lease = await acquire(0, 0);
    expect(await requestsOf(() => acquire(1, 7).catch(() => undefined))).toEqual(['UpdateItem']);
    expect(
      await requestsOf(async () => {
        lease = await acquire(1, 1);
      }),
    ).toEqual(['UpdateItem']);
    expect(await requestsOf(() => store.commit(lease, 'failed', NOW))).toEqual(['UpdateItem']);
    expect(await requestsOf(() => store.reopen({ ...keyOf('e'), fence: 2 }, NOW))).toEqual(['UpdateItem']);
    expect(await requestsOf(() => store.release(lease))).toEqual(['UpdateItem']);
    expect(await requestsOf(() => store.release({ ...lease, fence: 99 }))).toEqual(['UpdateItem']);
    expect(await requestsOf(() => store.read('e'))).toEqual(['GetItem']);
  });

  test('stays within one write unit', async () => {
    const { store, tableName, acquire } = await open();
    const executionId = 'x'.repeat(128);
    await recordStartOf(store, { ...keyOf(executionId), machine: 'order', now: NOW });
    await acquire(0, 0, {
      executionId,
      holder: '6b29fc40-ca47-1067-b31d-00dd010662da',
      place: {
        service: 'sqs',
        resource: `https://sqs.eu-central-1.amazonaws.com/123456789012/${'q'.repeat(80)}`,
        messageId: '6b29fc40-ca47-1067-b31d-00dd010662da',
      },
    });
    const [largest = 0] = (await embedded.items(tableName))
      .map((item) => JSON.stringify(item).length)
      .sort((a, b) => b - a);
    expect(largest).toBeLessThan(1_024);
  });

  describe('time-to-live', () => {
    const inRetention = String(NOW / 1_000 + RETENTION_DAYS * 86_400);

    test.each<[ExecutionStatus, string | undefined]>([
      ['completed', inRetention],
      ['cancelled', inRetention],
      ['parked', undefined],
      ['failed', undefined],
      ['running', undefined],
    ])('of a lock that is %s: %s', async (status, ttl) => {
      const { store, acquire, item } = await open();
      const lease = await acquire(0, 0);
      expect((await item())?.ttl).toBeUndefined();
      await store.commit(lease, status, NOW);
      expect((await item())?.ttl?.N).toBe(ttl);
    });

    test('is removed when the execution continues', async () => {
      const { store, acquire, item } = await open();
      await store.commit(await acquire(0, 0), 'cancelled', NOW);
      await acquire(1, 1);
      expect((await item())?.ttl).toBeUndefined();
    });
  });

  describe('when the response to its own write is lost', () => {
    test('acquires once', async () => {
      const { client, store, acquire } = await open();
      loseAnswers(client, 'UpdateItem', 1);
      const requests = await requestsOf(async () => {
        expect(await acquire(0, 0)).toMatchObject({ fence: 1, holder: 'holder-0' });
      });
      expect(requests).toHaveLength(2);
      loseAnswers(client, 'UpdateItem', 2);
      expect(await acquire(1, 1)).toMatchObject({ fence: 2, step: 1 });
      loseAnswers(client, 'UpdateItem', 1);
      expect(await acquire(1, 1, { holder: 'another', now: NOW + 1_001, expires: NOW + 3_000 })).toMatchObject({
        fence: 3,
        holder: 'another',
      });
      expect(await store.read('e')).toMatchObject({ fence: 3 });
    });

    test('commits', async () => {
      const { client, store, acquire } = await open();
      const lease = await acquire(0, 0);
      loseAnswers(client, 'UpdateItem', 1);
      expect(await store.commit(lease, 'completed', NOW)).toBe(true);
      expect(await store.read('e')).toMatchObject({ status: 'completed', done: true });
    });

    test('releases', async () => {
      const { client, store, acquire } = await open();
      const lease = await acquire(0, 0);
      loseAnswers(client, 'UpdateItem', 1);
      await store.release(lease);
      expect(await store.read('e')).toMatchObject({ expires: 0, released: 1 });
    });

    test('reopens', async () => {
      const { client, store, acquire } = await open();
      await store.commit(await acquire(0, 0), 'failed', NOW);
      loseAnswers(client, 'UpdateItem', 1);
      expect(await store.reopen({ ...keyOf('e'), fence: 1 }, NOW + 5)).toBe(true);
    });
  });

  describe('concurrent acquisitions', () => {
    const request = (executionId: string, step = 0): AcquireRequest => ({
      executionId,
      incarnation: INCARNATION,
      machine: 'order',
      step,
      parent: step,
      state: 's',
      holder: `holder-${executionId}-${step}`,
      now: NOW,
      expires: NOW + 1_000,
      redriven: 0,
      alone: true,
    });
    const ids = (count: number) => Array.from({ length: count }, (_, n) => `e${n}`);
    const acquireAll = (store: LockTable, executionIds: readonly string[], step = 0) =>
      Promise.all(executionIds.map((executionId) => store.acquire(request(executionId, step))));
    const acquired = (fence: number) => ({ acquired: true, lock: { fence } });

    /** Records the starts of executions, as their clients do before they send them. */
    const record = (store: LockTable, executionIds: readonly string[]) =>
      Promise.all(executionIds.map((executionId) => recordStartOf(store, request(executionId))));

    test.each([
      [2, ['BatchExecuteStatement']],
      [10, ['BatchExecuteStatement']],
      [26, ['BatchExecuteStatement', 'UpdateItem']],
      [50, ['BatchExecuteStatement', 'BatchExecuteStatement']],
    ])('send, for %d of them: %j', async (count, operations) => {
      const { store } = await open();
      await record(store, ids(count));
      for (const step of [0, 1]) {
        const requests = await requestsOf(async () => {
          expect(await acquireAll(store, ids(count), step)).toMatchObject(ids(count).map(() => acquired(step + 1)));
        });
        expect([...requests].sort()).toEqual(operations);
      }
    });

    test('are sent one by one if they name an execution twice', async () => {
      const { store } = await open();
      await record(store, ['a', 'b']);
      const answers = await Promise.all(
        ['a', 'b', 'a', 'a'].map((id, n) => store.acquire({ ...request(id), holder: `holder-${n}` })),
      );
      expect(answers.filter((answer) => answer.acquired)).toHaveLength(2);
      expect(await store.read('a')).toMatchObject({ fence: 1 });
    });

    test('remove the time to live', async () => {
      const { store, tableName } = await open();
      await record(store, ids(3));
      const answers = await acquireAll(store, ids(3));
      await Promise.all(answers.map((answer) => answer.acquired && store.commit(answer.lock, 'cancelled', NOW)));
      expect((await embedded.items(tableName)).filter(({ ttl }) => ttl)).toHaveLength(3);
      await acquireAll(store, ids(3), 1);
      expect((await embedded.items(tableName)).filter(({ ttl }) => ttl)).toHaveLength(0);
    });

    test('succeed once when the response is lost', async () => {
      const { client, store } = await open();
      await record(store, ids(4));
      for (const step of [0, 1]) {
        loseAnswers(client, 'BatchExecuteStatement', 1);
        expect(await acquireAll(store, ids(4), step)).toMatchObject(ids(4).map(() => acquired(step + 1)));
      }
    });

    test('reject together if the table does not respond', async () => {
      const { client, store } = await open();
      fail(
        client,
        'BatchExecuteStatement',
        Object.assign(new Error('down'), { name: 'InternalServerError', $fault: 'server' }),
      );
      const answers = await Promise.allSettled(ids(3).map((id) => store.acquire(request(id))));
      expect(answers.map((answer) => answer.status === 'rejected' && String(answer.reason))).toEqual(
        ids(3).map(() => 'InternalServerError: down'),
      );
    });

    test.each(['ValidationException', 'AccessDeniedException'])(
      'are sent one by one if the batch is refused with a %s',
      async (name) => {
        const { client, store } = await open();
        await record(store, ids(3));
        fail(client, 'BatchExecuteStatement', Object.assign(new Error('refused'), { name, $fault: 'client' }));
        expect(await acquireAll(store, ids(3))).toMatchObject(ids(3).map(() => acquired(1)));
      },
    );

    test('are sent alone if DynamoDB omits them or returns no result', async () => {
      const { client, store } = await open();
      const left = ['ThrottlingError', 'InternalServerError', undefined];
      intercept(client, 'BatchExecuteStatement', async (_, answer) => {
        const { response, output } = (await answer()) as {
          response: unknown;
          output: BatchExecuteStatementCommandOutput;
        };
        const Responses = left.map((Code, index) =>
          Code ? { Error: { Code } } : { TableName: output.Responses?.[index]?.TableName },
        );
        return { response, output: { ...output, Responses } };
      });
      await record(store, ids(3));
      // All three were written, and recognize their own writes. An entry without an item is uncertain as well.
      const requests = await requestsOf(async () =>
        expect(await acquireAll(store, ids(3))).toMatchObject(ids(3).map(() => acquired(1))),
      );
      expect(requests).toEqual(['BatchExecuteStatement', 'UpdateItem', 'UpdateItem', 'UpdateItem']);
      expect(await acquireAll(store, ids(3), 1)).toMatchObject(ids(3).map(() => acquired(2)));
    });

    test('do not fail because of a foreign item', async () => {
      const { client, store, tableName } = await open();
      await record(store, ['a', 'b']);
      await acquireAll(store, ['a', 'b']);
      await client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: { executionId: { S: 'orders/foreign' }, step: { N: '0' }, fence: { N: '1' } },
        }),
      );
      const answers = await Promise.allSettled(['a', 'foreign', 'b'].map((id) => store.acquire(request(id, 1))));
      expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    });

    test('do not fail because of an invalid one', async () => {
      const { store } = await open();
      await record(store, ['a', 'b']);
      const tooLong = 'x'.repeat(2_049);
      const answers = await Promise.allSettled(['a', tooLong, 'b'].map((id) => store.acquire(request(id))));
      expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(await store.read('b')).toMatchObject({ fence: 1 });
    });
  });

  test('rejects if the table does not respond or does not exist', async () => {
    const { client, store, acquire } = await open();
    fail(client, 'UpdateItem', Object.assign(new Error('down'), { name: 'InternalServerError', $fault: 'server' }));
    await expect(acquire(0, 0)).rejects.toThrow('down');
    const gone = new LockTable(embedded.dynamoDb(), {
      tableName: 'no-such-table',
      workflow: 'orders',
      retentionDays: 1,
    });
    await expect(gone.read('e')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    expect(await store.read('e')).toMatchObject({ status: 'pending' });
  });

  test('reports a foreign item', async () => {
    const { client, store, tableName } = await open();
    await client.send(
      new PutItemCommand({ TableName: tableName, Item: { executionId: { S: 'orders/e' }, step: { N: '1' } } }),
    );
    await expect(store.read('e')).rejects.toThrow(
      'The item with executionId = orders/e was not written by this library: it has no attribute "incarnation" of type string.',
    );
  });
});
