import { DynamoDbRetryQueue } from '../../../../lambda/aws/dynamodb/retry-queue';
import { systemClock, systemRandom } from '../../../../lambda/aws/system';
import type { Due } from '../../../../lambda/engine/ports';
import { describeDueStoreContract } from '../../../contracts/due-store';
import { describeTransportContract, dispatch } from '../../../contracts/transport';
import { requestsOf } from '../../../support/count-requests';
import { fail, intercept, leaveUnprocessed } from '../../../support/intercept';
import { Embedded } from '../../../support/servers/embedded';

const NOW = 1_900_000_000_000;
const embedded = Embedded.use();

async function open(shards = 3) {
  const tableName = await embedded.table('retries');
  const client = embedded.dynamoDb();
  const system = { random: systemRandom, clock: { ...systemClock, now: () => NOW, sleep: async () => undefined } };
  const transport = new DynamoDbRetryQueue(client, { tableName, shards }, system);
  const received = async () => (await embedded.items(tableName)).flatMap(({ envelope }) => envelope?.S ?? []);
  const due = async (until: number) => {
    const all: Due[] = [];
    for (let shard = 0; shard < shards; shard += 1) {
      for await (const page of transport.due(until, shard)) all.push(...page);
    }
    return all;
  };
  return { client, tableName, transport, received, due };
}

describeTransportContract('DynamoDbRetryQueue', open);
describeDueStoreContract('DynamoDbRetryQueue', async () => (await open()).transport);

describe('DynamoDbRetryQueue', () => {
  test('delays an envelope for any time', async () => {
    const { transport } = await open();
    expect(transport.longestDelay).toBe(Number.POSITIVE_INFINITY);
  });

  test('stores a batch in one request', async () => {
    const { transport } = await open();
    expect(
      await requestsOf(() => transport.send(Array.from({ length: 25 }, (_, step) => dispatch('e', step)))),
    ).toEqual(['BatchWriteItem']);
  });

  test('spreads executions over the shards, and sends one query to each', async () => {
    const { transport, tableName, due } = await open(3);
    await transport.send(Array.from({ length: 20 }, (_, index) => dispatch(`execution-${index}`, 0)));
    const shards = (await embedded.items(tableName)).map(({ shard }) => shard?.N);
    expect([...new Set(shards)].sort()).toEqual(['0', '1', '2']);
    expect(await requestsOf(async () => expect(await due(NOW)).toHaveLength(20))).toEqual(['Query', 'Query', 'Query']);
  });

  test('returns the place of each envelope in the table', async () => {
    const { transport, tableName, due } = await open();
    const [sent] = await transport.send([dispatch('e', 0)]);
    const [found] = await due(NOW);
    expect(sent).toMatchObject({
      ok: true,
      place: { service: 'dynamodb', resource: tableName, messageId: found?.key },
    });
  });

  test('rejects if an envelope could not be deleted', async () => {
    const { client, transport, due } = await open(1);
    await transport.send([dispatch('a', 0, { notBefore: NOW }), dispatch('b', 0, { notBefore: NOW + 1 })]);
    const found = await due(NOW + 1);
    let requests = 0;
    intercept(client, 'BatchExecuteStatement', async () => {
      requests += 1;
      const throttled = { Error: { Code: 'ThrottlingError', Message: 'Slow down' } };
      // The first one was deleted, or stored again.
      const refused = { Error: { Code: 'ConditionalCheckFailed' } };
      return { output: { $metadata: {}, Responses: requests === 1 ? [refused, throttled] : [throttled] } };
    });
    await expect(transport.remove(found)).rejects.toThrow('did not delete an envelope: ThrottlingError: Slow down');
    expect(requests).toBe(5);
    expect(await due(NOW + 1)).toEqual(found);
  });

  test('reads and deletes 1,000 large envelopes in few requests', async () => {
    const { transport, due } = await open(4);
    for (let batch = 0; batch < 40; batch += 1) {
      const ids = Array.from({ length: 25 }, (_, index) => `e-${batch}-${index}`);
      await transport.send(ids.map((id) => dispatch(id, 0, { text: 'x'.repeat(20_000) })));
    }
    let found: Due[] = [];
    // A query reads 1 MB, which are about 50 of them.
    expect((await requestsOf(async () => void (found = await due(NOW)))).length).toBeLessThanOrEqual(28);
    expect(found).toHaveLength(1_000);
    expect((await requestsOf(() => transport.remove(found))).length).toBe(40);
    expect(await due(NOW)).toEqual([]);
  });

  test('returns the error of each entry that stays unprocessed', async () => {
    const { client, transport } = await open();
    leaveUnprocessed(client, (index, batch) => (batch === 0 ? index === 1 : true));
    const sent = await transport.send([dispatch('a', 0), dispatch('b', 0), dispatch('c', 0)]);
    expect(sent).toMatchObject([{ ok: true }, { ok: false, error: { name: 'UnprocessedError' } }, { ok: true }]);
  });

  test('rejects if the table does not respond', async () => {
    const { client, due } = await open();
    fail(client, 'Query', new Error('down'));
    await expect(due(NOW)).rejects.toThrow('down');
  });
});
