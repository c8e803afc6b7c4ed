import { CreateQueueCommand, GetQueueAttributesCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { parseFilter } from '../../../lambda/local/brokers/shared/filter';
import { pollQueue, type QueueMapping } from '../../../lambda/local/brokers/sqs/poller';
import type { Poller } from '../../../lambda/local/function/poller';
import { startServers, type Servers } from '../../../lambda/local/servers/servers';
import { CLIENT, FakeFunction, until } from '../../support/local';

jest.setTimeout(60_000);

let servers: Servers;
let client: SQSClient;
let queues = 0;
const pollers: Poller[] = [];
const errors: Error[] = [];

beforeAll(async () => {
  servers = await startServers();
  client = new SQSClient({ ...CLIENT, endpoint: servers.sqs });
});
afterEach(async () => {
  await Promise.all(pollers.splice(0).map((poller) => poller.stop()));
  expect(errors).toEqual([]);
});
afterAll(() => servers.stop());

async function queue(attributes: Record<string, string> = {}): Promise<string> {
  const name = `queue-${++queues}${attributes.FifoQueue ? '.fifo' : ''}`;
  const { QueueUrl } = await client.send(
    new CreateQueueCommand({ QueueName: name, Attributes: { VisibilityTimeout: '1', ...attributes } }),
  );
  return QueueUrl!;
}

async function send(queueUrl: string, ...bodies: string[]): Promise<void> {
  const fifo = queueUrl.endsWith('.fifo');
  await client.send(
    new SendMessageBatchCommand({
      QueueUrl: queueUrl,
      Entries: bodies.map((MessageBody, index) => ({
        Id: String(index),
        MessageBody,
        ...(fifo ? { MessageGroupId: MessageBody.charAt(0), MessageDeduplicationId: MessageBody } : {}),
      })),
    }),
  );
}

/** Returns the number of messages in a queue, visible or not. */
async function sizeOf(queueUrl: string): Promise<number> {
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['All'] }),
  );
  const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesDelayed, ApproximateNumberOfMessagesNotVisible } =
    Attributes ?? {};
  return (
    Number(ApproximateNumberOfMessages) +
    Number(ApproximateNumberOfMessagesDelayed) +
    Number(ApproximateNumberOfMessagesNotVisible)
  );
}

function poll(queueUrl: string, target: FakeFunction<SQSRecord>, mapping: Partial<QueueMapping> = {}): void {
  pollers.push(
    pollQueue(
      {
        queueUrl,
        queueArn: 'arn:aws:sqs:us-east-1:000000000000:queue',
        batchSize: 10,
        batchingWindowSeconds: 0,
        maximumConcurrency: Infinity,
        reportsItemFailures: true,
        filter: parseFilter([]),
        ...mapping,
      },
      target,
      client,
      (error) => errors.push(error),
    ),
  );
}

const bodies = (records: readonly SQSRecord[]) => records.map((record) => record.body).sort();
const failures = (records: readonly SQSRecord[]) => ({
  batchItemFailures: records.map((record) => ({ itemIdentifier: record.messageId })),
});

test('a batch is delivered in the form of Lambda, and successful messages are deleted', async () => {
  const url = await queue();
  const target = new FakeFunction<SQSRecord>();
  await send(url, 'a', 'b', 'c');
  poll(url, target);
  await until(() => target.batches.flat().length === 3);
  expect(bodies(target.batches.flat())).toEqual(['a', 'b', 'c']);
  expect(target.batches[0]?.[0]).toMatchObject({
    messageId: expect.any(String),
    receiptHandle: expect.any(String),
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:queue',
    attributes: { ApproximateReceiveCount: '1', SentTimestamp: expect.any(String) },
  });
  await until(async () => (await sizeOf(url)) === 0);
});

test('a batch has at most batchSize messages', async () => {
  const url = await queue();
  const target = new FakeFunction<SQSRecord>();
  await send(url, 'a', 'b', 'c', 'd', 'e');
  poll(url, target, { batchSize: 2 });
  await until(() => target.batches.flat().length === 5);
  expect(target.batches.map((batch) => batch.length)).toEqual([2, 2, 1]);
});

test('a batching window collects later messages, and ends when the batch is full', async () => {
  const url = await queue({ VisibilityTimeout: '30' });
  const target = new FakeFunction<SQSRecord>();
  await send(url, 'a');
  poll(url, target, { batchingWindowSeconds: 20, batchSize: 12 });
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(target.batches).toEqual([]);
  await send(url, ...'bcdefghijk');
  await send(url, 'l');
  await until(() => target.batches.length === 1);
  expect(target.batches[0]).toHaveLength(12);
});

test('only failed messages are redelivered after their visibility timeout', async () => {
  const url = await queue();
  const target = new FakeFunction<SQSRecord>((records, invocation) =>
    invocation === 0 ? failures(records.filter(({ body }) => body === 'b')) : undefined,
  );
  await send(url, 'a', 'b', 'c');
  const begin = Date.now();
  poll(url, target);
  await until(() => target.batches.length === 2);
  expect(Date.now() - begin).toBeGreaterThanOrEqual(900);
  expect(bodies(target.batches[1]!)).toEqual(['b']);
  expect(target.batches[1]?.[0]?.attributes.ApproximateReceiveCount).toBe('2');
  await until(async () => (await sizeOf(url)) === 0);
});

test('if the function fails, the whole batch is redelivered', async () => {
  const url = await queue();
  const target = new FakeFunction<SQSRecord>((_, invocation) => {
    if (invocation === 0) {
      throw new Error('no');
    }
  });
  await send(url, 'a', 'b');
  poll(url, target);
  await until(() => target.batches.length === 2);
  expect(bodies(target.batches[1]!)).toEqual(['a', 'b']);
});

test('a message that fails too often is dead-lettered', async () => {
  const deadLetters = await queue();
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: deadLetters, AttributeNames: ['QueueArn'] }),
  );
  const url = await queue({
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: 2 }),
  });
  const target = new FakeFunction<SQSRecord>(failures);
  await send(url, 'poison');
  poll(url, target);
  await until(async () => (await sizeOf(deadLetters)) === 1);
  expect(target.batches).toHaveLength(2);
  expect(await sizeOf(url)).toBe(0);
});

test.each([
  ['up to the maximum concurrency of the mapping', 2, 5, 2],
  ['up to the number of environments', Infinity, 3, 3],
])('batches run concurrently, %s', async (_, maximumConcurrency, environments, expected) => {
  const url = await queue();
  const target = new FakeFunction<SQSRecord>(() => new Promise((resolve) => setTimeout(resolve, 100)), environments);
  await send(url, ...'abcdefgh');
  poll(url, target, { batchSize: 1, maximumConcurrency });
  await until(() => target.batches.length === 8);
  expect(target.mostRunning).toBe(expected);
});

test('messages that the filter excludes are deleted', async () => {
  const url = await queue();
  const target = new FakeFunction<SQSRecord>();
  await send(url, '{"kind":"order"}', '{"kind":"other"}', 'no JSON');
  poll(url, target, { filter: parseFilter(['{"body":{"kind":["order"]}}']) });
  await until(async () => (await sizeOf(url)) === 0);
  expect(bodies(target.batches.flat())).toEqual(['{"kind":"order"}']);
});

test('a FIFO queue keeps the order within a group without blocking other groups', async () => {
  const url = await queue({ FifoQueue: 'true' });
  const target = new FakeFunction<SQSRecord>((records, invocation) =>
    invocation === 0 ? failures(records.filter(({ body }) => body === 'a1')) : undefined,
  );
  await send(url, 'a1', 'a2', 'b1');
  poll(url, target);
  await until(() => target.batches.flat().length >= 4);
  const order = target.batches.flat().map(({ body }) => body);
  expect(order.filter((body) => body.startsWith('a'))).toEqual(['a1', 'a1', 'a2']);
  expect(order.indexOf('b1')).toBeLessThan(order.lastIndexOf('a1'));
});

test('a queue that cannot be read is reported and retried', async () => {
  const target = new FakeFunction<SQSRecord>();
  const url = `${servers.sqs}/000000000000/missing`;
  poll(url, target);
  await until(() => errors.length >= 2);
  expect(errors.splice(0)[0]?.message).toMatch(/^Cannot poll queue .*missing: /);
  await pollers.pop()?.stop();
  errors.length = 0;
});
