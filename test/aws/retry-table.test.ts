import { RetryTable } from '../../lambda/aws/dynamodb/retry-table';
import { systemClock, systemRandom } from '../../lambda/aws/system';
import { describeTransportContract, dispatch } from '../contract/transport';
import { requestsOf } from './count-requests';
import { Embedded } from './embedded';
import { fail, leaveUnprocessed } from './faults';

const NOW = 1_900_000_000_000;
const embedded = Embedded.use();

async function open(shards = 3) {
  const tableName = await embedded.table('retries');
  const client = embedded.dynamoDb();
  const system = { random: systemRandom, clock: { ...systemClock, now: () => NOW, sleep: async () => undefined } };
  const transport = new RetryTable(client, { tableName, shards }, system);
  const received = async () => (await embedded.items(tableName)).flatMap(({ envelope }) => envelope?.S ?? []);
  return { client, tableName, transport, received };
}

describeTransportContract('RetryTable', open);

describe('RetryTable', () => {
  it('holds an envelope back as long as it must be', async () => {
    const { transport } = await open();
    const year = 365 * 86_400_000;
    const late = dispatch('e', 0, { notBefore: NOW + year });
    await transport.send([late]);
    expect(transport.longestDelay).toBe(Number.POSITIVE_INFINITY);
    expect(await transport.poll(NOW + year - 1)).toEqual({ envelopes: [], nextDueAt: NOW + year });
    const { envelopes } = await transport.poll(NOW + year);
    expect(envelopes).toMatchObject([{ body: late.body, dueAt: NOW + year, place: { service: 'dynamodb' } }]);
  });

  it('has nothing due when it is empty', async () => {
    const { transport } = await open();
    expect(await transport.poll(NOW)).toEqual({ envelopes: [], nextDueAt: undefined });
  });

  it('finds what is due, earliest first, over all shards, with one query for each', async () => {
    const { transport, tableName } = await open();
    const ids = Array.from({ length: 12 }, (_, index) => `execution-${index}`);
    await transport.send(ids.map((id, index) => dispatch(id, 0, { notBefore: NOW + ((index * 7) % 12) * 1_000 })));
    expect(new Set((await embedded.items(tableName)).map(({ shard }) => shard?.N)).size).toBe(3);
    const requests = await requestsOf(async () => {
      const { envelopes } = await transport.poll(NOW + 5_000);
      expect(envelopes.map(({ dueAt }) => dueAt - NOW)).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000]);
    });
    expect(requests).toEqual(['Query', 'Query', 'Query']);
  });

  it('goes on until nothing is due', async () => {
    const { transport } = await open(1);
    for (let start = 0; start < 60; start += 20) {
      await transport.send(Array.from({ length: 20 }, (_, index) => dispatch(`execution-${start + index}`, 0, { notBefore: NOW })));
    }
    await transport.send([dispatch('later', 0, { notBefore: NOW + 7_000 })]);
    const bodies = new Set<string>();
    let due = await transport.poll(NOW);
    while (due.envelopes.length > 0) {
      due.envelopes.forEach(({ body }) => bodies.add(body));
      await transport.delete(due.envelopes);
      due = await transport.poll(NOW);
    }
    expect(bodies.size).toBe(60);
    expect(due.nextDueAt).toBe(NOW + 7_000);
  });

  it('finds large envelopes that no single page holds', async () => {
    const { transport } = await open(1);
    const large = Array.from({ length: 5 }, (_, step) => dispatch('e', step, { text: 'x'.repeat(390_000), notBefore: NOW }));
    await transport.send(large);
    let found = 0;
    for (let due = await transport.poll(NOW); due.envelopes.length > 0; due = await transport.poll(NOW)) {
      found += due.envelopes.length;
      await transport.delete(due.envelopes);
    }
    expect(found).toBe(5);
  });

  it('finds again what was not deleted', async () => {
    const { client, transport } = await open(1);
    await transport.send([dispatch('a', 0, { notBefore: NOW }), dispatch('b', 0, { notBefore: NOW + 1 })]);
    const { envelopes } = await transport.poll(NOW + 1);
    leaveUnprocessed(client, (index, batch) => batch > 0 || index === 1);
    await expect(transport.delete(envelopes)).rejects.toThrow('is throttled');
    expect((await transport.poll(NOW + 1)).envelopes).toEqual([envelopes[1]]);
  });

  it('takes what has no time of its own for due', async () => {
    const { transport } = await open();
    await transport.send([dispatch('e', 0)]);
    expect((await transport.poll(NOW)).envelopes).toHaveLength(1);
  });

  it('rejects when the table does not answer', async () => {
    const { client, transport } = await open();
    fail(client, 'Query', new Error('down'));
    await expect(transport.poll(NOW)).rejects.toThrow('down');
  });
});
