import { requestsOf } from './count-requests';
import { Embedded } from './embedded';
import { fail, intercept, leaveUnprocessed } from './faults';
import { RetryTable } from '../../lambda/aws/dynamodb/retry-table';
import { systemClock, systemRandom } from '../../lambda/aws/system';
import type { Due } from '../../lambda/engine/ports';
import { describeDueStoreContract } from '../contract/due-store';
import { describeTransportContract, dispatch } from '../contract/transport';

const NOW = 1_900_000_000_000;
const embedded = Embedded.use();

async function open(shards = 3) {
  const tableName = await embedded.table('retries');
  const client = embedded.dynamoDb();
  const system = { random: systemRandom, clock: { ...systemClock, now: () => NOW, sleep: async () => undefined } };
  const transport = new RetryTable(client, { tableName, shards }, system);
  const received = async () => (await embedded.items(tableName)).flatMap(({ envelope }) => envelope?.S ?? []);
  const due = async (until: number) => {
    const all: Due[] = [];
    for await (const page of transport.due(until)) all.push(...page);
    return all;
  };
  return { client, tableName, transport, received, due };
}

describeTransportContract('RetryTable', open);
describeDueStoreContract('RetryTable', async () => (await open()).transport);

describe('RetryTable', () => {
  it('holds an envelope back for any time', async () => {
    const { transport } = await open();
    expect(transport.longestDelay).toBe(Number.POSITIVE_INFINITY);
  });

  it('stores a batch with one request', async () => {
    const { transport } = await open();
    expect(await requestsOf(() => transport.send(Array.from({ length: 25 }, (_, step) => dispatch('e', step))))).toEqual(['BatchWriteItem']);
  });

  it('spreads executions over the shards, and asks each of them with one query', async () => {
    const { transport, tableName, due } = await open(3);
    await transport.send(Array.from({ length: 20 }, (_, index) => dispatch(`execution-${index}`, 0)));
    const shards = (await embedded.items(tableName)).map(({ shard }) => shard?.N);
    expect([...new Set(shards)].sort()).toEqual(['0', '1', '2']);
    expect(await requestsOf(async () => expect(await due(NOW)).toHaveLength(20))).toEqual(['Query', 'Query', 'Query']);
  });

  it('has a place for each envelope, by which it is found in the table', async () => {
    const { transport, tableName, due } = await open();
    const [sent] = await transport.send([dispatch('e', 0)]);
    const [found] = await due(NOW);
    expect(sent).toMatchObject({ ok: true, place: { service: 'dynamodb', resource: tableName, messageId: found?.key } });
  });

  it('says so when something could not be removed', async () => {
    const { client, transport, due } = await open(1);
    await transport.send([dispatch('a', 0, { notBefore: NOW }), dispatch('b', 0, { notBefore: NOW + 1 })]);
    const found = await due(NOW + 1);
    intercept(client, 'DeleteItem', async (input, request) => {
      if (JSON.stringify(input).includes('#b#')) throw new Error('down');
      return request();
    });
    await expect(transport.remove(found)).rejects.toThrow('down');
    expect(await due(NOW + 1)).toEqual([found[1]]);
  });

  it('answers for what stays unprocessed, entry by entry', async () => {
    const { client, transport } = await open();
    leaveUnprocessed(client, (index, batch) => (batch === 0 ? index === 1 : true));
    const sent = await transport.send([dispatch('a', 0), dispatch('b', 0), dispatch('c', 0)]);
    expect(sent).toMatchObject([{ ok: true }, { ok: false, error: { name: 'UnprocessedError' } }, { ok: true }]);
  });

  it('rejects when the table does not answer', async () => {
    const { client, due } = await open();
    fail(client, 'Query', new Error('down'));
    await expect(due(NOW)).rejects.toThrow('down');
  });
});
