import { PutItemCommand, type BatchExecuteStatementCommandOutput } from '@aws-sdk/client-dynamodb';
import { requestsOf } from './count-requests';
import { Embedded } from './embedded';
import { fail, intercept, loseAnswers } from './faults';
import { LockTable } from '../../lambda/aws/dynamodb/lock-table';
import type { AcquireRequest, ExecutionStatus, Lock } from '../../lambda/engine/ports';
import { describeLockStoreContract } from '../contract/lock-store';

const NOW = 1_900_000_000_000;
const RETENTION_DAYS = 30;

const embedded = Embedded.use();

async function open() {
  const tableName = await embedded.table('locks');
  const client = embedded.dynamoDb();
  const store = new LockTable(client, { tableName, retentionDays: RETENTION_DAYS });
  const acquire = async (step: number, parent: number, more: Partial<AcquireRequest> = {}): Promise<Lock> => {
    const answer = await store.acquire({
      executionId: 'e', machine: 'order', step, parent, state: 's', holder: `holder-${step}`, now: NOW, expires: NOW + 1_000, ...more,
    });
    if (!answer.acquired) throw new Error('refused');
    return answer.lock;
  };
  const item = async () => (await embedded.items(tableName))[0];
  return { client, store, tableName, acquire, item };
}

describeLockStoreContract('LockTable', async () => (await open()).store);

describe('LockTable', () => {
  it('makes one request for each call, whatever it comes to', async () => {
    const { store, acquire } = await open();
    let lease = await acquire(0, 0).catch((error: unknown) => { throw error; });
    expect(await requestsOf(() => acquire(1, 7).catch(() => undefined))).toEqual(['UpdateItem']);
    expect(await requestsOf(async () => { lease = await acquire(1, 1); })).toEqual(['UpdateItem']);
    expect(await requestsOf(() => store.commit(lease, 'failed', NOW))).toEqual(['UpdateItem']);
    expect(await requestsOf(() => store.reopen('e', 2, NOW))).toEqual(['UpdateItem']);
    expect(await requestsOf(() => store.release(lease))).toEqual(['UpdateItem']);
    expect(await requestsOf(() => store.release({ ...lease, fence: 99 }))).toEqual(['UpdateItem']);
    expect(await requestsOf(() => store.read('e'))).toEqual(['GetItem']);
  });

  it('stays within one write unit', async () => {
    const { acquire, item } = await open();
    await acquire(0, 0, {
      executionId: 'x'.repeat(128),
      holder: '6b29fc40-ca47-1067-b31d-00dd010662da',
      place: { service: 'sqs', resource: `https://sqs.eu-central-1.amazonaws.com/123456789012/${'q'.repeat(80)}`, messageId: '6b29fc40-ca47-1067-b31d-00dd010662da' },
    });
    expect(JSON.stringify(await item()).length).toBeLessThan(1_024);
  });

  describe('time-to-live', () => {
    const inRetention = String(NOW / 1_000 + RETENTION_DAYS * 86_400);

    it.each<[ExecutionStatus, string | undefined]>([
      ['completed', inRetention], ['cancelled', inRetention], ['parked', undefined], ['failed', undefined], ['running', undefined],
    ])('of a lock that is %s: %s', async (status, ttl) => {
      const { store, acquire, item } = await open();
      const lease = await acquire(0, 0);
      expect((await item())?.ttl).toBeUndefined();
      await store.commit(lease, status, NOW);
      expect((await item())?.ttl?.N).toBe(ttl);
    });

    it('is taken back when the execution goes on after all', async () => {
      const { store, acquire, item } = await open();
      await store.commit(await acquire(0, 0), 'cancelled', NOW);
      await acquire(1, 1);
      expect((await item())?.ttl).toBeUndefined();
    });
  });

  describe('when the answer to its own write was lost', () => {
    it('has acquired, and only once', async () => {
      const { client, store, acquire } = await open();
      loseAnswers(client, 'UpdateItem', 1);
      const requests = await requestsOf(async () => {
        expect(await acquire(0, 0)).toMatchObject({ fence: 1, holder: 'holder-0' });
      });
      expect(requests).toHaveLength(2);
      loseAnswers(client, 'UpdateItem', 2);
      expect(await acquire(1, 1)).toMatchObject({ fence: 2, step: 1 });
      loseAnswers(client, 'UpdateItem', 1);
      expect(await acquire(1, 1, { holder: 'another', now: NOW + 1_001, expires: NOW + 3_000 })).toMatchObject({ fence: 3, holder: 'another' });
      expect(await store.read('e')).toMatchObject({ fence: 3 });
    });

    it('has committed', async () => {
      const { client, store, acquire } = await open();
      const lease = await acquire(0, 0);
      loseAnswers(client, 'UpdateItem', 1);
      expect(await store.commit(lease, 'completed', NOW)).toBe(true);
      expect(await store.read('e')).toMatchObject({ status: 'completed', done: true });
    });

    it('has released', async () => {
      const { client, store, acquire } = await open();
      const lease = await acquire(0, 0);
      loseAnswers(client, 'UpdateItem', 1);
      await store.release(lease);
      expect(await store.read('e')).toMatchObject({ expires: 0, released: 1 });
    });

    it('has reopened', async () => {
      const { client, store, acquire } = await open();
      await store.commit(await acquire(0, 0), 'failed', NOW);
      loseAnswers(client, 'UpdateItem', 1);
      expect(await store.reopen('e', 1, NOW + 5)).toBe(true);
    });
  });

  describe('acquisitions that are asked for at once', () => {
    const request = (executionId: string, step = 0): AcquireRequest => ({
      executionId, machine: 'order', step, parent: step, state: 's', holder: `holder-${executionId}-${step}`, now: NOW, expires: NOW + 1_000,
    });
    const ids = (count: number) => Array.from({ length: count }, (_, n) => `e${n}`);
    const acquireAll = (store: LockTable, executionIds: readonly string[], step = 0) => (
      Promise.all(executionIds.map((executionId) => store.acquire(request(executionId, step))))
    );
    const acquired = (fence: number) => ({ acquired: true, lock: { fence } });

    it.each([
      [2, ['BatchExecuteStatement']],
      [10, ['BatchExecuteStatement']],
      [26, ['BatchExecuteStatement', 'UpdateItem']],
      [50, ['BatchExecuteStatement', 'BatchExecuteStatement']],
    ])('take, when they are %d: %j', async (count, operations) => {
      const { store } = await open();
      for (const step of [0, 1]) {
        const requests = await requestsOf(async () => {
          expect(await acquireAll(store, ids(count), step)).toMatchObject(ids(count).map(() => acquired(step + 1)));
        });
        expect([...requests].sort()).toEqual(operations);
      }
    });

    it('are made one by one when they name an execution twice', async () => {
      const { store } = await open();
      const answers = await Promise.all(['a', 'b', 'a', 'a'].map((id, n) => store.acquire({ ...request(id), holder: `holder-${n}` })));
      expect(answers.filter((answer) => answer.acquired)).toHaveLength(2);
      expect(await store.read('a')).toMatchObject({ fence: 1 });
    });

    it('take back the time-to-live', async () => {
      const { store, tableName } = await open();
      const answers = await acquireAll(store, ids(3));
      await Promise.all(answers.map((answer) => answer.acquired && store.commit(answer.lock, 'cancelled', NOW)));
      expect((await embedded.items(tableName)).filter(({ ttl }) => ttl)).toHaveLength(3);
      await acquireAll(store, ids(3), 1);
      expect((await embedded.items(tableName)).filter(({ ttl }) => ttl)).toHaveLength(0);
    });

    it('have been made, and only once, when the answer was lost', async () => {
      const { client, store } = await open();
      for (const step of [0, 1]) {
        loseAnswers(client, 'BatchExecuteStatement', 1);
        expect(await acquireAll(store, ids(4), step)).toMatchObject(ids(4).map(() => acquired(step + 1)));
      }
    });

    it('reject together when the table does not answer', async () => {
      const { client, store } = await open();
      fail(client, 'BatchExecuteStatement', Object.assign(new Error('down'), { name: 'InternalServerError', $fault: 'server' }));
      const answers = await Promise.allSettled(ids(3).map((id) => store.acquire(request(id))));
      expect(answers.map((answer) => answer.status === 'rejected' && String(answer.reason))).toEqual(ids(3).map(() => 'InternalServerError: down'));
    });

    it.each(['ValidationException', 'AccessDeniedException'])('are made one by one when the batch is refused with a %s', async (name) => {
      const { client, store } = await open();
      fail(client, 'BatchExecuteStatement', Object.assign(new Error('refused'), { name, $fault: 'client' }));
      expect(await acquireAll(store, ids(3))).toMatchObject(ids(3).map(() => acquired(1)));
    });

    it('are made alone where DynamoDB has left them out, or does not tell of them', async () => {
      const { client, store } = await open();
      const left = ['ThrottlingError', 'InternalServerError', undefined];
      intercept(client, 'BatchExecuteStatement', async (_, answer) => {
        const { response, output } = await answer() as { response: unknown; output: BatchExecuteStatementCommandOutput };
        const Responses = left.map((Code, index) => Code ? { Error: { Code } } : { TableName: output.Responses?.[index]?.TableName });
        return { response, output: { ...output, Responses } };
      });
      // All three were written, and know themselves again.
      const requests = await requestsOf(async () => expect(await acquireAll(store, ids(3))).toMatchObject(ids(3).map(() => acquired(1))));
      expect(requests).toEqual(['BatchExecuteStatement', 'UpdateItem', 'UpdateItem']);
      expect(await acquireAll(store, ids(3), 1)).toMatchObject(ids(3).map(() => acquired(2)));
    });

    it('do not fail for an item that somebody else has written', async () => {
      const { client, store, tableName } = await open();
      await acquireAll(store, ['a', 'b']);
      await client.send(new PutItemCommand({ TableName: tableName, Item: { executionId: { S: 'foreign' }, step: { N: '0' }, fence: { N: '1' } } }));
      const answers = await Promise.allSettled(['a', 'foreign', 'b'].map((id) => store.acquire(request(id, 1))));
      expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    });

    it('do not fail for one that cannot be made', async () => {
      const { store } = await open();
      const tooLong = 'x'.repeat(2_049);
      const answers = await Promise.allSettled(['a', tooLong, 'b'].map((id) => store.acquire(request(id))));
      expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(await store.read('b')).toMatchObject({ fence: 1 });
    });
  });

  it('rejects when the table does not answer, and when it is not there', async () => {
    const { client, store, acquire } = await open();
    fail(client, 'UpdateItem', Object.assign(new Error('down'), { name: 'InternalServerError', $fault: 'server' }));
    await expect(acquire(0, 0)).rejects.toThrow('down');
    const gone = new LockTable(embedded.dynamoDb(), { tableName: 'no-such-table', retentionDays: 1 });
    await expect(gone.read('e')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    expect(await store.read('e')).toBeUndefined();
  });

  it('tells of an item that it has not written', async () => {
    const { client, store, tableName } = await open();
    await client.send(new PutItemCommand({ TableName: tableName, Item: { executionId: { S: 'e' }, step: { N: '1' } } }));
    await expect(store.read('e')).rejects.toThrow('The item with executionId = e has no attribute "machine" of type string');
  });
});
