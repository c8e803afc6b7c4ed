import { TransactionCanceledException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { MailboxTable } from '../../../../lambda/aws/dynamodb/mailbox-table';
import { systemClock, systemRandom } from '../../../../lambda/aws/system';
import { MailboxFullError } from '../../../../lambda/engine/errors';
import { MAX_WAITING_MAILS } from '../../../../lambda/engine/ports/mailbox';
import { describeMailboxContract } from '../../../contracts/mailbox';
import { requestsOf } from '../../../support/count-requests';
import { fail, intercept, loseAnswers } from '../../../support/intercept';
import { Embedded } from '../../../support/servers/embedded';

const embedded = Embedded.use();
const system = { random: systemRandom, clock: systemClock };
const execution = { executionId: 'e', incarnation: 'a7' };

async function open(clock = systemClock) {
  const tableName = await embedded.table('checkpoints');
  const client = embedded.dynamoDb();
  const mailbox = new MailboxTable(client, { tableName, workflow: 'orders', retentionDays: 30 }, { ...system, clock });
  return { client, tableName, mailbox };
}

const canceled = (...codes: string[]) =>
  new TransactionCanceledException({
    message: 'canceled',
    $metadata: {},
    CancellationReasons: codes.map((Code) => ({ Code })),
  });

describeMailboxContract('MailboxTable', async () => (await open()).mailbox);

describe('MailboxTable', () => {
  test('puts any mail in two requests, and finds the first one in a request for each event', async () => {
    const { mailbox } = await open();
    for (const id of ['a', 'b', 'c']) {
      expect(await requestsOf(() => mailbox.put(execution, { id, event: 'paid' }))).toEqual([
        'UpdateItem',
        'TransactWriteItems',
      ]);
    }
    expect(await requestsOf(() => mailbox.first(execution, ['paid', 'approved'], 0))).toEqual([
      'GetItem',
      'Query',
      'Query',
      'Query',
    ]);
    expect(
      await requestsOf(() => mailbox.first({ ...execution, executionId: 'none' }, ['paid', 'approved'], 0)),
    ).toEqual(['GetItem']);
  });

  test('reads one mail of many, without its data', async () => {
    const { client, mailbox } = await open();
    for (let index = 0; index < 30; index += 1) {
      await mailbox.put(execution, { id: `id-${index}`, event: 'paid', data: 'x'.repeat(1_000) });
    }
    const items: object[] = [];
    intercept(client, 'Query', async (_, request) => {
      const answer = await request();
      items.push(...((answer as { readonly output: { readonly Items?: object[] } }).output.Items ?? []));
      return answer;
    });
    expect(await mailbox.first(execution, ['paid'], 0)).toMatchObject({ id: 'id-0' });
    expect(items).toHaveLength(1);
    expect(JSON.stringify(items)).not.toContain('xxxx');
  });

  test('recognizes its own mail when the response is lost', async () => {
    const { client, mailbox } = await open();
    loseAnswers(client, 'TransactWriteItems', 1);
    expect(await mailbox.put(execution, { id: 'a', event: 'paid' })).toMatchObject({ accepted: true });
    expect((await mailbox.list(execution, 10)).mails).toHaveLength(1);
  });

  test('repeats a put that is throttled or conflicts, for 20 seconds', async () => {
    let now = 0;
    const clock = {
      ...systemClock,
      now: () => now,
      sleep: async (milliseconds: number) => void (now += 10 * milliseconds),
    };
    const { client, mailbox } = await open(clock);
    intercept(client, 'TransactWriteItems', async (_, request) => {
      if (now > 12_000) return request();
      throw canceled('TransactionConflict', 'None');
    });
    expect(await mailbox.put(execution, { id: 'a', event: 'paid' })).toMatchObject({ accepted: true });
    fail(client, 'UpdateItem', Object.assign(new Error('slow down'), { name: 'ThrottlingException' }));
    await expect(mailbox.put(execution, { id: 'b', event: 'paid' })).rejects.toThrow(
      'The mailbox was throttled or busy for 20 seconds. Send the event again with the same id.',
    );
    expect(now).toBeGreaterThan(20_000);
    // The SDK retries each throttled request as well, with pauses of its own.
  }, 60_000);

  test('throws other errors at once', async () => {
    const { client, mailbox } = await open();
    fail(client, 'TransactWriteItems', canceled('ValidationError', 'None'));
    await expect(mailbox.put(execution, { id: 'a', event: 'paid' })).rejects.toThrow('canceled');
    const gone = new MailboxTable(
      embedded.dynamoDb(),
      { tableName: 'no-such-table', workflow: 'orders', retentionDays: 1 },
      system,
    );
    await expect(gone.put(execution, { id: 'a', event: 'paid' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  test('every item expires', async () => {
    const { mailbox, tableName } = await open();
    await mailbox.put(execution, { id: 'a', event: 'paid' });
    await mailbox.put({ executionId: 'e' }, { id: 'b', event: 'paid' });
    await mailbox.put(execution, { id: '$callback/1/done', event: 'done', step: 1 });
    await mailbox.createSecret(execution, 1, { secret: 's', events: ['done'] });
    const items = await embedded.items(tableName);
    const daysOf = ({ ttl }: (typeof items)[number]) => Math.round((Number(ttl?.N) - Date.now() / 1_000) / 86_400);
    expect(items.map((item) => [item.executionId?.S, item.entry?.S, daysOf(item)]).sort()).toEqual([
      ['orders/e ids', 'id#a', 30],
      ['orders/e ids', 'id#b', 30],
      ['orders/e', 'mail##4:paid#000000000002', 400],
      ['orders/e', 'mail#a7#4:paid#000000000001', 400],
      ['orders/e', 'mail#a7@1#4:done', 400],
      ['orders/e', 'mailbox', 400],
      ['orders/e', 'mailsecret#a7#1', 400],
    ]);
  });

  test('ignores expired mails and ids that DynamoDB has not deleted yet', async () => {
    let now = Date.now();
    const { mailbox } = await open({ ...systemClock, now: () => now });
    for (let index = 0; index < 3; index += 1) {
      await mailbox.put({ executionId: 'e' }, { id: `id-${index}`, event: 'paid' });
    }
    now += 401 * 86_400_000;
    await mailbox.put({ executionId: 'e' }, { id: 'late', event: 'paid' });
    expect(await mailbox.first(execution, ['paid'], 0)).toMatchObject({ id: 'late' });
    expect(await mailbox.put(execution, { id: 'id-0', event: 'approved' })).toMatchObject({ accepted: true });
  });

  test('counts again when the count of an event says that it is full', async () => {
    let now = Date.now();
    const { mailbox, client, tableName } = await open({ ...systemClock, now: () => now });
    const pretend = (count: number) =>
      client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: { executionId: { S: 'orders/e' }, entry: { S: 'mailbox' } },
          UpdateExpression: 'SET #count = :count',
          ExpressionAttributeNames: { '#count': 'count:paid' },
          ExpressionAttributeValues: { ':count': { N: String(count) } },
        }),
      );
    await mailbox.put(execution, { id: 'a', event: 'paid' });
    await pretend(MAX_WAITING_MAILS);
    expect(await mailbox.put(execution, { id: 'b', event: 'paid' })).toMatchObject({ accepted: true });
    const counter = (await embedded.items(tableName)).find(({ entry }) => entry?.S === 'mailbox');
    expect(counter?.['count:paid']?.N).toBe('2');
    // A mailbox that is really full is counted rarely.
    await pretend(MAX_WAITING_MAILS);
    const requests = await requestsOf(() =>
      mailbox
        .put(execution, { id: 'c', event: 'paid' })
        .catch((error: Error) => expect(error).toBeInstanceOf(MailboxFullError)),
    );
    expect(requests).toEqual(['UpdateItem']);
    now += 11_000;
    expect(await mailbox.put(execution, { id: 'c', event: 'paid' })).toMatchObject({ accepted: true });
  });

  test('takes another position if a mail is stored at its position', async () => {
    const { mailbox, client, tableName } = await open();
    await mailbox.put(execution, { id: 'a', event: 'paid' });
    await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: { executionId: { S: 'orders/e' }, entry: { S: 'mailbox' } },
        UpdateExpression: 'SET #last = :zero',
        ExpressionAttributeNames: { '#last': 'last' },
        ExpressionAttributeValues: { ':zero': { N: '0' } },
      }),
    );
    expect(await mailbox.put(execution, { id: 'b', event: 'paid' })).toMatchObject({ accepted: true });
    expect((await mailbox.list(execution, 10)).mails.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  test('writes no item that the stream would deliver', async () => {
    const { mailbox, tableName } = await open();
    await mailbox.put(execution, { id: 'a', event: 'paid', data: { envelope: 'x' } });
    expect((await embedded.items(tableName)).filter(({ envelope }) => envelope)).toEqual([]);
  });
});
