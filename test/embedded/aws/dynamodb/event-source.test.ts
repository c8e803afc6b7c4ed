import { CheckpointTable } from '../../../../lambda/aws/dynamodb/checkpoint-table';
import { DynamoDbEventSource } from '../../../../lambda/aws/dynamodb/event-source';
import { systemClock, systemRandom } from '../../../../lambda/aws/system';
import { checkpoint } from '../../../contracts/journal';
import { describeTransportContract, dispatch } from '../../../contracts/transport';
import { requestsOf } from '../../../support/count-requests';
import { keyOf } from '../../../support/execution-key';
import { leaveUnprocessed } from '../../../support/intercept';
import { Embedded } from '../../../support/servers/embedded';

const embedded = Embedded.use();
const system = { random: systemRandom, clock: { ...systemClock, sleep: async () => undefined } };

async function open() {
  const tableName = await embedded.table('checkpoints');
  const client = embedded.dynamoDb();
  const table = { tableName, workflow: 'orders', retentionDays: 30 };
  const transport = new DynamoDbEventSource(client, table, system);
  const received = async () => (await embedded.items(tableName)).flatMap(({ envelope }) => envelope?.S ?? []);
  return { client, tableName, transport, received, journal: new CheckpointTable(client, table, system) };
}

describeTransportContract('DynamoDbEventSource', open);

describe('DynamoDbEventSource', () => {
  test('writes journal entry and envelope as one item, and a batch of items in one request', async () => {
    const { transport, journal, tableName, received } = await open();
    const dispatches = Array.from({ length: 25 }, (_, step) => ({
      ...dispatch('e', step + 1),
      checkpoint: checkpoint('e', step, step + 1),
    }));
    const requests = await requestsOf(async () => {
      const sent = await transport.send(dispatches);
      expect(sent[24]).toEqual({
        ok: true,
        journaled: true,
        place: { service: 'dynamodb', resource: tableName, messageId: 'step#first#0000000024#0000000000000025' },
      });
    });
    expect(requests).toEqual(['BatchWriteItem']);
    expect([...(await received())].sort()).toEqual(dispatches.map(({ body }) => body).sort());
    const entry = await journal.read(keyOf('e'), 24, 25);
    expect(entry).toEqual({
      ...dispatches[24]!.checkpoint,
      place: { service: 'dynamodb', resource: tableName, messageId: 'step#first#0000000024#0000000000000025' },
    });
  });

  test('accepts the largest envelope together with the largest journal entry', async () => {
    const { transport } = await open();
    const empty = dispatch('x'.repeat(128), 1, { text: '' });
    const large = dispatch('x'.repeat(128), 1, {
      text: 'x'.repeat(transport.maxBodyBytes - Buffer.byteLength(empty.body)),
    });
    const name = 'n'.repeat(256);
    const sent = await transport.send([
      {
        ...large,
        checkpoint: checkpoint('x'.repeat(128), 123_456, 234_567, {
          machine: name,
          definition: name,
          source: name,
          event: name,
          next: name,
          states: Array(12).fill(name),
          error: { name, message: 'm'.repeat(1_000), state: name, attempts: 12 },
        }),
      },
    ]);
    expect(sent).toMatchObject([{ ok: true }]);
  });

  test('expires a message after two days, and a journal entry after its retention', async () => {
    const { transport, tableName } = await open();
    await transport.send([dispatch('e', 0)]);
    const [message] = await embedded.items(tableName);
    expect(message?.entry?.S).toMatch(/^send#/);
    expect(Math.round((Number(message?.ttl?.N) - Date.now() / 1_000) / 86_400)).toBe(2);
    await transport.send([{ ...dispatch('f', 1), checkpoint: checkpoint('f', 0, 1) }]);
    const entry = (await embedded.items(tableName)).find(({ executionId }) => executionId?.S === 'orders/f');
    expect(Number(entry?.ttl?.N)).toBe(Math.ceil(checkpoint('f', 0, 1).endedAt / 1_000) + 30 * 86_400);
  });

  test('returns the error of each entry that stays unprocessed', async () => {
    const { client, transport, received } = await open();
    leaveUnprocessed(client, (index, batch) => (batch === 0 ? index === 1 : true));
    const sent = await transport.send([dispatch('a', 0), dispatch('b', 0), dispatch('c', 0)]);
    expect(sent).toMatchObject([{ ok: true }, { ok: false, error: { name: 'UnprocessedError' } }, { ok: true }]);
    expect(await received()).toHaveLength(2);
  });
});
