import { requestsOf } from './count-requests';
import { Embedded } from './embedded';
import { intercept, leaveUnprocessed, loseAnswers } from './faults';
import { CheckpointTable } from '../../lambda/aws/dynamodb/checkpoint-table';
import { systemClock, systemRandom } from '../../lambda/aws/system';
import type { CheckpointOutcome } from '../../lambda/engine/ports';
import { checkpoint, describeJournalContract } from '../contract/journal';

const RETENTION_DAYS = 30;
const embedded = Embedded.use();
const sleeps: number[] = [];
const system = {
  random: systemRandom,
  clock: { now: () => systemClock.now(), sleep: async (milliseconds: number) => { sleeps.push(milliseconds); } },
};

async function open() {
  const tableName = await embedded.table('checkpoints');
  const client = embedded.dynamoDb();
  sleeps.length = 0;
  return { client, tableName, journal: new CheckpointTable(client, { tableName, retentionDays: RETENTION_DAYS }, system) };
}

const batch = (length: number) => Array.from({ length }, (_, step) => checkpoint('e', step, step + 1));

describeJournalContract('CheckpointTable', async () => (await open()).journal);

describe('CheckpointTable', () => {
  it('writes a batch with one request', async () => {
    const { journal } = await open();
    expect(await requestsOf(() => journal.write(batch(25)))).toEqual(['BatchWriteItem']);
  });

  it('keeps no item from being a message of the stream unless it is one', async () => {
    const { journal, tableName } = await open();
    const envelope = { version: 1, executionId: 'e', machine: 'order', step: 0, parent: 0, attempt: 0, state: null, event: '$start', context: {}, sentAt: 1 };
    await journal.write([checkpoint('e', 0, 1, { outcome: 'failed', envelope })]);
    expect((await embedded.items(tableName))[0]).not.toHaveProperty('envelope');
  });

  it.each<[CheckpointOutcome, boolean]>([
    ['dispatched', true], ['completed', true], ['retrying', true], ['parked', false], ['failed', false],
  ])('lets an entry that is %s expire: %s', async (outcome, expires) => {
    const { journal, tableName } = await open();
    const entry = checkpoint('e', 0, 1, { outcome });
    await journal.write([entry]);
    const ttl = (await embedded.items(tableName))[0]?.ttl?.N;
    expect(ttl).toBe(expires ? String(Math.ceil(entry.endedAt / 1_000) + RETENTION_DAYS * 86_400) : undefined);
  });

  it('lets an entry that was parked expire when it is told to', async () => {
    const { journal, tableName } = await open();
    const entry = checkpoint('e', 0, 1, { outcome: 'parked', context: { a: 1 } });
    await journal.write([entry]);
    await journal.expire('e', 0, 1);
    const items = await embedded.items(tableName);
    expect(Number(items[0]?.ttl?.N)).toBeGreaterThanOrEqual(Date.now() / 1_000 + (RETENTION_DAYS - 1) * 86_400);
    expect(await journal.read('e', 0, 1)).toEqual(entry);
  });

  it('makes no item of an entry that is gone', async () => {
    const { journal, tableName } = await open();
    await journal.expire('e', 0, 1);
    expect(await embedded.items(tableName)).toEqual([]);
  });

  it('stores the context of a failed envelope once', async () => {
    const { journal } = await open();
    const context = { text: 'x'.repeat(300_000) };
    const envelope = { version: 1, executionId: 'e', machine: 'order', step: 0, parent: 0, attempt: 0, state: null, event: '$start', context, sentAt: 1 };
    expect(await journal.write([checkpoint('e', 0, 1, { outcome: 'failed', context, envelope })])).toEqual([undefined]);
    expect(await journal.read('e', 0, 1)).toMatchObject({ context, envelope });
  });

  it('sends what DynamoDB has left unprocessed again, after a wait, and nothing else', async () => {
    const { client, journal } = await open();
    leaveUnprocessed(client, (index, number) => (number === 0 && index % 2 === 1) || (number === 1 && index === 0));
    const requests = await requestsOf(async () => {
      expect(await journal.write(batch(6))).toEqual(Array(6).fill(undefined));
    });
    expect(requests).toHaveLength(3);
    expect(sleeps).toHaveLength(2);
    expect(sleeps[0]).toBeLessThan(50);
    expect(sleeps[1]).toBeLessThan(100);
    expect((await journal.history('e')).map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('answers for what stays unprocessed, entry by entry', async () => {
    const { client, journal, tableName } = await open();
    leaveUnprocessed(client, (index, number) => (number === 0 ? index === 1 || index === 3 : true));
    const answers = await journal.write(batch(4));
    expect(answers.map((error) => error?.message)).toEqual([
      undefined,
      `DynamoDB left the entry unprocessed 5 times: table "${tableName}" is throttled.`,
      undefined,
      `DynamoDB left the entry unprocessed 5 times: table "${tableName}" is throttled.`,
    ]);
    expect((await journal.history('e')).map(({ step }) => step)).toEqual([0, 2]);
  });

  it('answers for the rest when the service fails half-way', async () => {
    const { client, journal } = await open();
    let requests = 0;
    leaveUnprocessed(client, (index, number) => number === 0 && index === 0);
    intercept(client, 'BatchWriteItem', async (_, request) => {
      requests += 1;
      if (requests > 1) throw new Error('down');
      return request();
    });
    const answers = await journal.write(batch(3));
    expect(answers).toEqual([expect.objectContaining({ message: 'down' }), undefined, undefined]);
  });

  it('answers for every entry when the table is not there', async () => {
    const journal = new CheckpointTable(embedded.dynamoDb(), { tableName: 'no-such-table', retentionDays: 1 }, system);
    const requests = await requestsOf(async () => {
      expect(await journal.write(batch(3))).toEqual(Array(3).fill(expect.objectContaining({ name: 'ResourceNotFoundException' })));
    });
    expect(requests).toHaveLength(1);
  });

  it('writes an entry once when the answer was lost', async () => {
    const { client, journal } = await open();
    loseAnswers(client, 'BatchWriteItem', 1);
    expect(await journal.write(batch(2))).toEqual([undefined, undefined]);
    expect(await journal.history('e')).toHaveLength(2);
  });
});
