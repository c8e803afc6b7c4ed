import { requestsOf } from './count-requests';
import { Embedded } from './embedded';
import { leaveUnprocessed } from './faults';
import { CheckpointTable } from '../../lambda/aws/dynamodb/checkpoint-table';
import { StreamEventSource } from '../../lambda/aws/dynamodb/stream-event-source';
import { systemClock, systemRandom } from '../../lambda/aws/system';
import { checkpoint } from '../contract/journal';
import { describeTransportContract, dispatch } from '../contract/transport';

const embedded = Embedded.use();
const system = { random: systemRandom, clock: { ...systemClock, sleep: async () => undefined } };

async function open() {
  const tableName = await embedded.table('checkpoints');
  const client = embedded.dynamoDb();
  const table = { tableName, retentionDays: 30 };
  const transport = new StreamEventSource(client, table, system);
  const received = async () => (await embedded.items(tableName)).flatMap(({ envelope }) => envelope?.S ?? []);
  return { client, tableName, transport, received, journal: new CheckpointTable(client, table, system) };
}

describeTransportContract('StreamEventSource', open);

describe('StreamEventSource', () => {
  it('writes the journal entry and the envelope as one item, a batch of them with one request', async () => {
    const { transport, journal, tableName, received } = await open();
    const dispatches = Array.from({ length: 25 }, (_, step) => ({ ...dispatch('e', step + 1), checkpoint: checkpoint('e', step, step + 1) }));
    const requests = await requestsOf(async () => {
      const sent = await transport.send(dispatches);
      expect(sent[24]).toEqual({
        ok: true, journaled: true, place: { service: 'dynamodb', resource: tableName, messageId: 'step#0000000024#0000000000000025' },
      });
    });
    expect(requests).toEqual(['BatchWriteItem']);
    expect([...await received()].sort()).toEqual(dispatches.map(({ body }) => body).sort());
    const entry = await journal.read('e', 24, 25);
    expect(entry).toEqual({
      ...dispatches[24]!.checkpoint,
      place: { service: 'dynamodb', resource: tableName, messageId: 'step#0000000024#0000000000000025' },
    });
  });

  it('takes the largest envelope with the largest journal entry beside it', async () => {
    const { transport } = await open();
    const empty = dispatch('x'.repeat(128), 1, { text: '' });
    const large = dispatch('x'.repeat(128), 1, { text: 'x'.repeat(transport.maxBodyBytes - Buffer.byteLength(empty.body)) });
    const name = 'n'.repeat(256);
    const sent = await transport.send([{
      ...large,
      checkpoint: checkpoint('x'.repeat(128), 123_456, 234_567, {
        machine: name,
        definition: name,
        source: name,
        event: name,
        next: name,
        states: Array(12).fill(name),
        error: { name, message: 'm'.repeat(1_000), state: name, attempts: 12 },
        mailbox: { through: 123, deferred: [1, 2, 3] },
      }),
    }]);
    expect(sent).toMatchObject([{ ok: true }]);
  });

  it('lets a message that is no journal entry expire soon, and a journal entry in due time', async () => {
    const { transport, tableName } = await open();
    await transport.send([dispatch('e', 0)]);
    const [message] = await embedded.items(tableName);
    expect(message?.entry?.S).toMatch(/^send#/);
    expect(Math.round((Number(message?.ttl?.N) - Date.now() / 1_000) / 86_400)).toBe(2);
    await transport.send([{ ...dispatch('f', 1), checkpoint: checkpoint('f', 0, 1) }]);
    const entry = (await embedded.items(tableName)).find(({ executionId }) => executionId?.S === 'f');
    expect(Number(entry?.ttl?.N)).toBe(Math.ceil(checkpoint('f', 0, 1).endedAt / 1_000) + 30 * 86_400);
  });

  it('answers for what stays unprocessed, entry by entry', async () => {
    const { client, transport, received } = await open();
    leaveUnprocessed(client, (index, batch) => (batch === 0 ? index === 1 : true));
    const sent = await transport.send([dispatch('a', 0), dispatch('b', 0), dispatch('c', 0)]);
    expect(sent).toMatchObject([{ ok: true }, { ok: false, error: { name: 'UnprocessedError' } }, { ok: true }]);
    expect(await received()).toHaveLength(2);
  });
});
