import { DeleteItemCommand, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { requestsOf } from './count-requests';
import { Embedded } from './embedded';
import { fail, intercept, loseAnswers } from './faults';
import { MailboxTable } from '../../lambda/aws/dynamodb/mailbox-table';
import { systemClock, systemRandom } from '../../lambda/aws/system';
import { describeMailboxContract } from '../contract/mailbox';

const embedded = Embedded.use();
const system = { random: systemRandom, clock: systemClock };

async function open() {
  const tableName = await embedded.table('checkpoints');
  const client = embedded.dynamoDb();
  return { client, tableName, mailbox: new MailboxTable(client, { tableName, retentionDays: 30 }, system) };
}

const conflict = () => Object.assign(new Error('conflict'), { name: 'TransactionCanceledException', CancellationReasons: [{ Code: 'None' }] });

describeMailboxContract('MailboxTable', async () => (await open()).mailbox);

describe('MailboxTable', () => {
  it('puts the first mail with one request, a later one with two, a known one with one or two', async () => {
    const { mailbox } = await open();
    expect(await requestsOf(() => mailbox.put('e', { id: 'a', event: 'paid' }))).toEqual(['TransactWriteItems']);
    expect(await requestsOf(() => mailbox.put('e', { id: 'b', event: 'paid' }))).toEqual(['TransactWriteItems', 'TransactWriteItems']);
    expect((await requestsOf(() => mailbox.put('e', { id: 'a', event: 'paid' }))).length).toBeLessThanOrEqual(2);
  });

  it('accepts a mail once when the answer was lost', async () => {
    const { client, mailbox } = await open();
    loseAnswers(client, 'TransactWriteItems', 1);
    await mailbox.put('e', { id: 'a', event: 'paid' });
    expect(await mailbox.list('e')).toEqual([{ position: 1, id: 'a', event: 'paid' }]);
  });

  it('tries again when another transaction is in its way', async () => {
    const { client, mailbox } = await open();
    let conflicts = 2;
    intercept(client, 'TransactWriteItems', async (_, request) => {
      if (conflicts === 0) return request();
      conflicts -= 1;
      throw new TransactionCanceledException({
        message: 'conflict', $metadata: {}, CancellationReasons: [{ Code: 'None' }, { Code: 'TransactionConflict' }, { Code: 'None' }],
      });
    });
    await mailbox.put('e', { id: 'a', event: 'paid' });
    expect(await mailbox.list('e')).toHaveLength(1);
  });

  it('says so when others are quicker every time, and has accepted nothing', async () => {
    const { client, tableName } = await open();
    const impatient = { random: systemRandom, clock: { ...systemClock, sleep: async () => undefined } };
    const mailbox = new MailboxTable(client, { tableName, retentionDays: 30 }, impatient);
    intercept(client, 'TransactWriteItems', async () => {
      throw new TransactionCanceledException({ message: 'conflict', $metadata: {}, CancellationReasons: [{ Code: 'TransactionConflict' }] });
    });
    await expect(mailbox.put('e', { id: 'a', event: 'paid' })).rejects.toThrow('The event was not accepted: send it again, with the same id.');
    expect(await embedded.items(tableName)).toEqual([]);
  });

  it('passes on what is no conflict', async () => {
    const { client, mailbox } = await open();
    fail(client, 'TransactWriteItems', conflict());
    await expect(mailbox.put('e', { id: 'a', event: 'paid' })).rejects.toThrow('conflict');
    const gone = new MailboxTable(embedded.dynamoDb(), { tableName: 'no-such-table', retentionDays: 1 }, system);
    await expect(gone.put('e', { id: 'a', event: 'paid' })).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('keeps what waits, and what it must remember, without a time-to-live', async () => {
    const { mailbox, tableName } = await open();
    await mailbox.put('e', { id: 'a', event: 'paid' });
    await mailbox.put('e', { id: 'b', event: 'paid' });
    await mailbox.remove('e', [1]);
    const items = await embedded.items(tableName);
    expect(items.map(({ entry }) => entry?.S).sort()).toEqual(['mail#0000000002', 'mailbox', 'mailid#a', 'mailid#b']);
    expect(items.filter(({ ttl }) => ttl)).toEqual([]);
  });

  it('has no item that the stream would deliver', async () => {
    const { mailbox, tableName } = await open();
    await mailbox.put('e', { id: 'a', event: 'paid', data: { envelope: 'x' } });
    expect((await embedded.items(tableName)).filter(({ envelope }) => envelope)).toEqual([]);
  });

  it('lets all of it go when the execution has ended', async () => {
    const { client, mailbox, tableName } = await open();
    await mailbox.put('e', { id: 'a', event: 'paid' });
    await mailbox.put('f', { id: 'a', event: 'paid' });
    await mailbox.createSecret('e', 's');
    // One that is removed between the query and the update does not come back.
    intercept(client, 'Query', async (_, request) => {
      const answer = await request();
      await embedded.dynamoDb().send(new DeleteItemCommand({ TableName: tableName, Key: { executionId: { S: 'e' }, entry: { S: 'mail#0000000001' } } }));
      return answer;
    });
    await mailbox.expire('e');
    const items = await embedded.items(tableName);
    expect(items.map(({ executionId, entry, ttl }) => [executionId?.S, entry?.S, Number(ttl?.N) > Date.now() / 1_000]).sort()).toEqual([
      ['e', 'mailbox', true], ['e', 'mailid#a', true], ['e', 'mailsecret', true], ['f', 'mail#0000000001', false], ['f', 'mailbox', false], ['f', 'mailid#a', false],
    ]);
  });

  it('takes nothing for its own of an execution of that name that has ended', async () => {
    const { mailbox, tableName } = await open();
    await mailbox.put('e', { id: 'a', event: 'paid' });
    await mailbox.put('e', { id: 'b', event: 'paid' });
    await mailbox.expire('e');
    expect(await mailbox.list('e')).toEqual([]);
    await mailbox.put('e', { id: 'a', event: 'approved' });
    await mailbox.put('e', { id: 'a', event: 'approved' });
    expect(await mailbox.list('e')).toEqual([{ position: 3, id: 'a', event: 'approved' }]);
    // What the new one needs does not go when the old one's is deleted.
    const items = await embedded.items(tableName);
    expect(items.filter(({ ttl }) => !ttl).map(({ entry }) => entry?.S).sort()).toEqual(['mail#0000000003', 'mailbox', 'mailid#a']);
  });

  it('keeps the secret of an execution that is started once more', async () => {
    const { mailbox, tableName } = await open();
    await mailbox.createSecret('e', 's1');
    await mailbox.expire('e');
    await mailbox.createSecret('e', 's2');
    expect(await embedded.items(tableName)).toEqual([{ executionId: { S: 'e' }, entry: { S: 'mailsecret' }, secret: { S: 's1' } }]);
  });
});
