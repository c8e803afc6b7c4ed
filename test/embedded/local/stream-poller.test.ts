import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { DynamoDBRecord } from 'aws-lambda';
import { DynamoDbStreamReader } from '../../../lambda/local/brokers/dynamodb/poller';
import { parseFilter } from '../../../lambda/local/brokers/shared/filter';
import type { StreamMapping } from '../../../lambda/local/brokers/shared/shard';
import { pollStream } from '../../../lambda/local/brokers/shared/stream-poller';
import type { Poller } from '../../../lambda/local/function/poller';
import { startServers, type Servers } from '../../../lambda/local/servers/servers';
import { CLIENT, FakeFunction, until } from '../../support/local';

jest.setTimeout(60_000);

let servers: Servers;
let tables: DynamoDBClient;
let clients: { streams: DynamoDBStreamsClient; queues: SQSClient };
let created = 0;
const pollers: Poller[] = [];
const errors: Error[] = [];

beforeAll(async () => {
  servers = await startServers();
  tables = new DynamoDBClient({ ...CLIENT, endpoint: servers.dynamodb });
  clients = {
    streams: new DynamoDBStreamsClient({ ...CLIENT, endpoint: servers.dynamodb }),
    queues: new SQSClient({ ...CLIENT, endpoint: servers.sqs }),
  };
});
afterEach(async () => {
  await Promise.all(pollers.splice(0).map((poller) => poller.stop()));
  expect(errors).toEqual([]);
});
afterAll(() => servers.stop());

async function table(): Promise<{ name: string; streamArn: string }> {
  const name = `table-${++created}`;
  const { TableDescription } = await tables.send(
    new CreateTableCommand({
      TableName: name,
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
    }),
  );
  return { name, streamArn: TableDescription!.LatestStreamArn! };
}

async function put(name: string, ...ids: string[]): Promise<void> {
  for (const id of ids) {
    await tables.send(
      new PutItemCommand({
        TableName: name,
        Item: { id: { S: id }, bytes: { B: Buffer.from('tea') }, list: { L: [{ N: '1' }] } },
      }),
    );
  }
}

function poll(streamArn: string, target: FakeFunction<DynamoDBRecord>, mapping: Partial<StreamMapping> = {}): void {
  pollers.push(
    pollStream(
      {
        streamArn,
        startingPosition: 'TRIM_HORIZON',
        batchSize: 10,
        batchingWindowSeconds: 0,
        parallelizationFactor: 1,
        reportsItemFailures: true,
        bisectsOnError: false,
        maximumRetryAttempts: Infinity,
        maximumRecordAgeSeconds: Infinity,
        filter: parseFilter([]),
        ...mapping,
      },
      new DynamoDbStreamReader(clients.streams, streamArn),
      target,
      clients.queues,
      (error) => errors.push(error),
    ),
  );
}

const idOf = (record: DynamoDBRecord) => record.dynamodb?.Keys?.id?.S ?? '';
const sequenceNumberOf = (record: DynamoDBRecord) => record.dynamodb?.SequenceNumber ?? '';
const ids = (target: FakeFunction<DynamoDBRecord>) => target.batches.map((batch) => batch.map(idOf).join(''));
const failures = (records: readonly DynamoDBRecord[]) => ({
  batchItemFailures: records.map((record) => ({ itemIdentifier: sequenceNumberOf(record) })),
});
/** Reports a record as failed in the first `times` invocations. */
const failAt = (id: string, times: number) => (records: DynamoDBRecord[], invocation: number) =>
  invocation < times ? failures(records.filter((record) => idOf(record) === id)) : undefined;
const throwAt = (id: string) => (records: DynamoDBRecord[]) => {
  if (records.some((record) => idOf(record) === id)) {
    throw new Error('no');
  }
};

async function messagesOf(queueUrl: string): Promise<unknown[]> {
  const { Messages } = await clients.queues.send(
    new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 5 }),
  );
  return (Messages ?? []).map(({ Body }) => JSON.parse(Body ?? ''));
}

async function destination(): Promise<string> {
  const { QueueUrl } = await clients.queues.send(new CreateQueueCommand({ QueueName: `destination-${++created}` }));
  return QueueUrl!;
}

test('records are delivered in order, from the first, in the form of Lambda', async () => {
  const { name, streamArn } = await table();
  const target = new FakeFunction<DynamoDBRecord>();
  await put(name, 'a', 'b');
  poll(streamArn, target);
  await until(() => target.batches.flat().length === 2);
  await put(name, 'c');
  await until(() => target.batches.flat().length === 3);
  expect(ids(target).join('')).toBe('abc');
  expect(target.batches[0]?.[0]).toEqual({
    eventID: expect.any(String),
    eventName: 'INSERT',
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: expect.any(String),
    eventSourceARN: streamArn,
    dynamodb: {
      ApproximateCreationDateTime: expect.any(Number),
      Keys: { id: { S: 'a' } },
      NewImage: { id: { S: 'a' }, bytes: { B: Buffer.from('tea').toString('base64') }, list: { L: [{ N: '1' }] } },
      OldImage: undefined,
      SequenceNumber: expect.any(String),
      SizeBytes: expect.any(Number),
      StreamViewType: 'NEW_IMAGE',
    },
  });
});

test('LATEST starts with the next record', async () => {
  const { name, streamArn } = await table();
  const target = new FakeFunction<DynamoDBRecord>();
  await put(name, 'a');
  poll(streamArn, target, { startingPosition: 'LATEST' });
  await new Promise((resolve) => setTimeout(resolve, 500));
  await put(name, 'b');
  await until(() => target.batches.length > 0);
  expect(ids(target)).toEqual(['b']);
});

test('a batch has at most batchSize records, and batches run one after the other', async () => {
  const { name, streamArn } = await table();
  const target = new FakeFunction<DynamoDBRecord>(() => new Promise((resolve) => setTimeout(resolve, 20)), 5);
  await put(name, ...'abcde');
  poll(streamArn, target, { batchSize: 2 });
  await until(() => target.batches.flat().length === 5 && target.running === 0);
  expect(ids(target)).toEqual(['ab', 'cd', 'e']);
  expect(target.mostRunning).toBe(1);
});

test('a batching window collects later records', async () => {
  const { name, streamArn } = await table();
  const target = new FakeFunction<DynamoDBRecord>();
  await put(name, 'a');
  poll(streamArn, target, { batchingWindowSeconds: 1 });
  await new Promise((resolve) => setTimeout(resolve, 400));
  await put(name, 'b', 'c');
  await until(() => target.batches.length > 0);
  expect(ids(target)).toEqual(['abc']);
});

test('batches of a shard run concurrently, except batches with the same key', async () => {
  const { name, streamArn } = await table();
  const running = new Set<string>();
  const doubled: string[] = [];
  const target = new FakeFunction<DynamoDBRecord>(async ([record]) => {
    const id = idOf(record!);
    if (running.has(id)) {
      doubled.push(id);
    }
    running.add(id);
    await new Promise((resolve) => setTimeout(resolve, 40));
    running.delete(id);
  }, 5);
  await put(name, ...'aaabbbcccdddeeefff');
  poll(streamArn, target, { batchSize: 1, parallelizationFactor: 4 });
  await until(() => target.batches.length === 18);
  expect(doubled).toEqual([]);
  expect(target.mostRunning).toBeGreaterThan(1);
  expect(target.mostRunning).toBeLessThanOrEqual(4);
  for (const id of 'abcdef') {
    const sequence = target.batches
      .flat()
      .filter((record) => idOf(record) === id)
      .map((record) => Number(sequenceNumberOf(record)));
    expect(sequence).toEqual([...sequence].sort((a, b) => a - b));
  }
});

test('after a partial failure, the batch is retried from the first failed record', async () => {
  const { name, streamArn } = await table();
  const failOnce = (records: DynamoDBRecord[], invocation: number) =>
    invocation === 0 ? failures(records.filter((record) => ['d', 'b'].includes(idOf(record))).reverse()) : undefined;
  const target = new FakeFunction<DynamoDBRecord>(failOnce);
  await put(name, ...'abcd');
  poll(streamArn, target, { batchingWindowSeconds: 1 });
  await until(() => target.batches.length === 2);
  await put(name, 'e');
  await until(() => target.batches.length === 3);
  expect(ids(target)).toEqual(['abcd', 'bcd', 'e']);
});

test('a failing batch is retried with growing delays, and blocks the batches behind it', async () => {
  const { name, streamArn } = await table();
  const at: number[] = [];
  const target = new FakeFunction<DynamoDBRecord>((_, invocation) => {
    at.push(Date.now());
    if (invocation < 3) {
      throw new Error('no');
    }
  });
  await put(name, 'a', 'b');
  poll(streamArn, target, { batchSize: 1 });
  await until(() => target.batches.length === 5);
  expect(ids(target)).toEqual(['a', 'a', 'a', 'a', 'b']);
  const pauses = at.slice(1, 4).map((time, index) => time - at[index]!);
  expect(pauses[0]).toBeGreaterThanOrEqual(95);
  expect(pauses[1]).toBeGreaterThanOrEqual(195);
  expect(pauses[2]).toBeGreaterThanOrEqual(395);
});

test('bisecting isolates the failing record, and discards only that record', async () => {
  const { name, streamArn } = await table();
  const onFailureQueueUrl = await destination();
  const target = new FakeFunction<DynamoDBRecord>(throwAt('f'));
  await put(name, ...'abcdefgh');
  poll(streamArn, target, {
    batchingWindowSeconds: 1,
    bisectsOnError: true,
    maximumRetryAttempts: 1,
    onFailureQueueUrl,
  });
  const [message] = await messagesOf(onFailureQueueUrl);
  await until(() => ids(target).includes('gh'));
  expect(ids(target)).toEqual(['abcdefgh', 'abcd', 'efgh', 'ef', 'e', 'f', 'f', 'gh']);
  expect(message).toMatchObject({
    requestContext: { condition: 'RetryAttemptsExhausted', approximateInvokeCount: 2 },
    DDBStreamBatchInfo: { startSequenceNumber: '6', endSequenceNumber: '6', batchSize: 1, streamArn },
  });
});

test('with item failures, bisecting splits at the failed record', async () => {
  const { name, streamArn } = await table();
  const target = new FakeFunction<DynamoDBRecord>(failAt('c', 2));
  await put(name, ...'abcd');
  poll(streamArn, target, { batchingWindowSeconds: 1, bisectsOnError: true, maximumRetryAttempts: 0 });
  await until(() => target.batches.length === 4);
  expect(ids(target)).toEqual(['abcd', 'cd', 'c', 'd']);
});

test('when the retries are exhausted, the batch is discarded and the shard continues', async () => {
  const { name, streamArn } = await table();
  const onFailureQueueUrl = await destination();
  const target = new FakeFunction<DynamoDBRecord>(throwAt('a'));
  await put(name, 'a', 'b');
  poll(streamArn, target, { batchSize: 1, maximumRetryAttempts: 2, onFailureQueueUrl });
  await until(() => target.batches.length === 4);
  expect(ids(target)).toEqual(['a', 'a', 'a', 'b']);
  expect(await messagesOf(onFailureQueueUrl)).toMatchObject([
    { requestContext: { approximateInvokeCount: 3 }, DDBStreamBatchInfo: { batchSize: 1 } },
  ]);
});

test('records that are too old are discarded without an invocation', async () => {
  const { name, streamArn } = await table();
  const onFailureQueueUrl = await destination();
  const target = new FakeFunction<DynamoDBRecord>();
  await put(name, 'a');
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  await put(name, 'b');
  poll(streamArn, target, { maximumRecordAgeSeconds: 1.5, onFailureQueueUrl });
  await until(() => target.batches.length === 1);
  expect(ids(target)).toEqual(['b']);
  expect(await messagesOf(onFailureQueueUrl)).toMatchObject([{ requestContext: { condition: 'RecordAgeExceeded' } }]);
});

test('records that the filter excludes are skipped', async () => {
  const { name, streamArn } = await table();
  const target = new FakeFunction<DynamoDBRecord>();
  await put(name, ...'abc');
  poll(streamArn, target, { batchSize: 1, filter: parseFilter(['{"dynamodb":{"Keys":{"id":{"S":["c"]}}}}']) });
  await until(() => target.batches.length > 0);
  expect(ids(target)).toEqual(['c']);
});

test('stopping the poller does not discard a failing batch', async () => {
  const { name, streamArn } = await table();
  const onFailureQueueUrl = await destination();
  let fail = () => {};
  const target = new FakeFunction<DynamoDBRecord>(
    () => new Promise((_, reject) => (fail = () => reject(new Error('stopped')))),
  );
  await put(name, 'a');
  poll(streamArn, target, { maximumRetryAttempts: 0, onFailureQueueUrl });
  await until(() => target.running === 1);
  const stopped = pollers.pop()!.stop();
  fail();
  await stopped;
  const { Messages } = await clients.queues.send(new ReceiveMessageCommand({ QueueUrl: onFailureQueueUrl }));
  expect(Messages).toBeUndefined();
});

test('a stream that cannot be read is reported and retried', async () => {
  poll('arn:aws:dynamodb:us-east-1:000000000000:table/missing/stream/1', new FakeFunction<DynamoDBRecord>());
  await until(() => errors.length >= 2);
  expect(errors[0]?.message).toMatch(/^Cannot poll stream .*missing\/stream\/1: /);
  await pollers.pop()?.stop();
  errors.length = 0;
});
