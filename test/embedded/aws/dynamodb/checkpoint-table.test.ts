import { CheckpointTable } from '../../../../lambda/aws/dynamodb/checkpoint-table';
import { systemClock, systemRandom } from '../../../../lambda/aws/system';
import type { CheckpointOutcome } from '../../../../lambda/engine/ports';
import { checkpoint, describeJournalContract } from '../../../contracts/journal';
import { requestsOf } from '../../../support/count-requests';
import { INCARNATION, keyOf } from '../../../support/execution-key';
import { historyOf } from '../../../support/history';
import { intercept, leaveUnprocessed, loseAnswers } from '../../../support/intercept';
import { Embedded } from '../../../support/servers/embedded';

const RETENTION_DAYS = 30;
const embedded = Embedded.use();
const sleeps: number[] = [];
const system = {
  random: systemRandom,
  clock: {
    now: () => systemClock.now(),
    sleep: async (milliseconds: number) => {
      sleeps.push(milliseconds);
    },
  },
};

async function open() {
  const tableName = await embedded.table('checkpoints');
  const client = embedded.dynamoDb();
  sleeps.length = 0;
  return {
    client,
    tableName,
    journal: new CheckpointTable(client, { tableName, workflow: 'orders', retentionDays: RETENTION_DAYS }, system),
  };
}

const batch = (length: number) => Array.from({ length }, (_, step) => checkpoint('e', step, step + 1));

describeJournalContract('CheckpointTable', async () => (await open()).journal);

describe('CheckpointTable', () => {
  test('writes a batch in one request', async () => {
    const { journal } = await open();
    expect(await requestsOf(() => journal.write(batch(25)))).toEqual(['BatchWriteItem']);
  });

  test('writes an envelope attribute only into messages', async () => {
    const { journal, tableName } = await open();
    const envelope = {
      version: 1,
      executionId: 'e',
      incarnation: INCARNATION,
      machine: 'order',
      step: 0,
      parent: 0,
      attempt: 0,
      state: null,
      event: '$start',
      context: {},
      sentAt: 1,
    };
    await journal.write([checkpoint('e', 0, 1, { outcome: 'failed', envelope })]);
    expect((await embedded.items(tableName))[0]).not.toHaveProperty('envelope');
  });

  test.each<[CheckpointOutcome, boolean]>([
    ['dispatched', true],
    ['completed', true],
    ['retrying', true],
    ['parked', false],
    ['failed', false],
  ])('expires an entry that is %s: %s', async (outcome, expires) => {
    const { journal, tableName } = await open();
    const entry = checkpoint('e', 0, 1, { outcome });
    await journal.write([entry]);
    const ttl = (await embedded.items(tableName))[0]?.ttl?.N;
    expect(ttl).toBe(expires ? String(Math.ceil(entry.endedAt / 1_000) + RETENTION_DAYS * 86_400) : undefined);
  });

  test('expires a parked entry on request', async () => {
    const { journal, tableName } = await open();
    const entry = checkpoint('e', 0, 1, { outcome: 'parked', context: { a: 1 } });
    await journal.write([entry]);
    await journal.expire(keyOf('e'), 0, 1);
    const items = await embedded.items(tableName);
    expect(Number(items[0]?.ttl?.N)).toBeGreaterThanOrEqual(Date.now() / 1_000 + (RETENTION_DAYS - 1) * 86_400);
    expect(await journal.read(keyOf('e'), 0, 1)).toEqual(entry);
  });

  test('does not create an item for a deleted entry', async () => {
    const { journal, tableName } = await open();
    await journal.expire(keyOf('e'), 0, 1);
    expect(await embedded.items(tableName)).toEqual([]);
  });

  test('stores the context of a failed envelope once', async () => {
    const { journal } = await open();
    const context = { text: 'x'.repeat(300_000) };
    const envelope = {
      version: 1,
      executionId: 'e',
      incarnation: INCARNATION,
      machine: 'order',
      step: 0,
      parent: 0,
      attempt: 0,
      state: null,
      event: '$start',
      context,
      sentAt: 1,
    };
    expect(await journal.write([checkpoint('e', 0, 1, { outcome: 'failed', context, envelope })])).toEqual([undefined]);
    expect(await journal.read(keyOf('e'), 0, 1)).toMatchObject({ context, envelope });
  });

  test('retries only unprocessed entries, after a pause', async () => {
    const { client, journal } = await open();
    leaveUnprocessed(client, (index, number) => (number === 0 && index % 2 === 1) || (number === 1 && index === 0));
    const requests = await requestsOf(async () => {
      expect(await journal.write(batch(6))).toEqual(Array(6).fill(undefined));
    });
    expect(requests).toHaveLength(3);
    expect(sleeps).toHaveLength(2);
    expect(sleeps[0]).toBeLessThan(50);
    expect(sleeps[1]).toBeLessThan(100);
    expect((await historyOf(journal, 'e')).map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('returns the error of each entry that stays unprocessed', async () => {
    const { client, journal, tableName } = await open();
    leaveUnprocessed(client, (index, number) => (number === 0 ? index === 1 || index === 3 : true));
    const answers = await journal.write(batch(4));
    expect(answers.map((error) => error?.message)).toEqual([
      undefined,
      `DynamoDB left the entry unprocessed 5 times: table "${tableName}" is throttled.`,
      undefined,
      `DynamoDB left the entry unprocessed 5 times: table "${tableName}" is throttled.`,
    ]);
    expect((await historyOf(journal, 'e')).map(({ step }) => step)).toEqual([0, 2]);
  });

  test('returns the result of every entry when a retry fails', async () => {
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

  test('returns an error for every entry if the table does not exist', async () => {
    const journal = new CheckpointTable(
      embedded.dynamoDb(),
      { tableName: 'no-such-table', workflow: 'orders', retentionDays: 1 },
      system,
    );
    const requests = await requestsOf(async () => {
      expect(await journal.write(batch(3))).toEqual(
        Array(3).fill(expect.objectContaining({ name: 'ResourceNotFoundException' })),
      );
    });
    expect(requests).toHaveLength(1);
  });

  test('writes an entry once when the response is lost', async () => {
    const { client, journal } = await open();
    loseAnswers(client, 'BatchWriteItem', 1);
    expect(await journal.write(batch(2))).toEqual([undefined, undefined]);
    expect(await historyOf(journal, 'e')).toHaveLength(2);
  });
});
