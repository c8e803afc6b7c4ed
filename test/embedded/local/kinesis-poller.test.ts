import {
  CreateStreamCommand,
  KinesisClient,
  PutRecordsCommand,
  SplitShardCommand,
  waitUntilStreamExists,
} from '@aws-sdk/client-kinesis';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { KinesisStreamRecord } from 'aws-lambda';
import { KinesisStreamReader } from '../../../lambda/local/brokers/kinesis/poller';
import { parseFilter } from '../../../lambda/local/brokers/shared/filter';
import type { StreamMapping } from '../../../lambda/local/brokers/shared/shard';
import { pollStream } from '../../../lambda/local/brokers/shared/stream-poller';
import type { Poller } from '../../../lambda/local/function/poller';
import { startServers, type Servers } from '../../../lambda/local/servers/servers';
import { CLIENT, FakeFunction, until } from '../../support/local';

jest.setTimeout(60_000);

let servers: Servers;
let client: KinesisClient;
let queues: SQSClient;
let created = 0;
const pollers: Poller[] = [];
const errors: Error[] = [];

beforeAll(async () => {
  servers = await startServers();
  client = new KinesisClient({ ...CLIENT, endpoint: servers.kinesis, requestHandler: new NodeHttpHandler() });
  queues = new SQSClient({ ...CLIENT, endpoint: servers.sqs });
});
afterEach(async () => {
  await Promise.all(pollers.splice(0).map((poller) => poller.stop()));
  expect(errors).toEqual([]);
});
afterAll(() => servers.stop());

const arnOf = (name: string) => `arn:aws:kinesis:us-east-1:000000000000:stream/${name}`;

async function stream(ShardCount = 1): Promise<string> {
  const StreamName = `stream-${++created}`;
  await client.send(new CreateStreamCommand({ StreamName, ShardCount }));
  await waitUntilStreamExists({ client, maxWaitTime: 10, minDelay: 1 }, { StreamName });
  return StreamName;
}

/** Puts texts; the first character is the partition key. */
async function put(StreamName: string, ...texts: string[]): Promise<void> {
  const Records = texts.map((text) => ({ Data: Buffer.from(text), PartitionKey: text[0] }));
  await client.send(new PutRecordsCommand({ StreamName, Records }));
}

function poll(
  name: string,
  target: FakeFunction<KinesisStreamRecord>,
  mapping: Partial<StreamMapping> = {},
  sourceArn = arnOf(name),
): void {
  const whole: StreamMapping = {
    streamArn: arnOf(name),
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
  };
  const reader = new KinesisStreamReader(client, whole.streamArn, sourceArn);
  pollers.push(pollStream(whole, reader, target, queues, (error) => errors.push(error)));
}

const textOf = ({ kinesis }: KinesisStreamRecord) => Buffer.from(kinesis.data, 'base64').toString();
const texts = (target: FakeFunction<KinesisStreamRecord>) => target.batches.map((batch) => batch.map(textOf).join(' '));

test('records are delivered in order, from the first, in the form of Lambda', async () => {
  const name = await stream();
  const target = new FakeFunction<KinesisStreamRecord>();
  await put(name, 'a1', 'b1');
  poll(name, target);
  await until(() => target.batches.flat().length === 2);
  await put(name, 'a2');
  await until(() => target.batches.flat().length === 3);
  expect(texts(target).join(' ')).toBe('a1 b1 a2');
  const [record] = target.batches[0]!;
  expect(record).toEqual({
    eventID: `shardId-000000000000:${record!.kinesis.sequenceNumber}`,
    eventName: 'aws:kinesis:record',
    eventVersion: '1.0',
    eventSource: 'aws:kinesis',
    awsRegion: 'us-east-1',
    eventSourceARN: arnOf(name),
    invokeIdentityArn: expect.any(String),
    kinesis: {
      kinesisSchemaVersion: '1.0',
      partitionKey: 'a',
      sequenceNumber: expect.stringMatching(/^\d{56}$/),
      approximateArrivalTimestamp: expect.any(Number),
      data: Buffer.from('a1').toString('base64'),
    },
  });
});

test('records contain the ARN of the consumer with enhanced fan-out', async () => {
  const name = await stream();
  const target = new FakeFunction<KinesisStreamRecord>();
  await put(name, 'a');
  poll(name, target, {}, `${arnOf(name)}/consumer/own:1`);
  await until(() => target.batches.length === 1);
  expect(target.batches[0]?.[0]?.eventSourceARN).toBe(`${arnOf(name)}/consumer/own:1`);
});

test('LATEST starts with the next record', async () => {
  const name = await stream();
  const target = new FakeFunction<KinesisStreamRecord>();
  await put(name, 'a');
  poll(name, target, { startingPosition: 'LATEST' });
  await new Promise((resolve) => setTimeout(resolve, 500));
  await put(name, 'b');
  await until(() => target.batches.length > 0);
  expect(texts(target)).toEqual(['b']);
});

test('shards are processed concurrently, and a failing shard does not block others', async () => {
  const name = await stream(4);
  const keys = [...'abcdefghijkl'];
  const target = new FakeFunction<KinesisStreamRecord>(([record]) => {
    if (textOf(record!) === 'a') throw new Error('no');
  }, 4);
  await put(name, ...keys);
  poll(name, target, { batchSize: 1 });
  const shardOf = (text: string) =>
    target.batches
      .flat()
      .find((record) => textOf(record) === text)
      ?.eventID.split(':')[0];
  await until(
    () => new Set(texts(target)).size >= 6 && target.batches.filter(([record]) => textOf(record!) === 'a').length > 2,
  );
  const blocked = shardOf('a');
  expect(new Set(texts(target).map(shardOf)).size).toBeGreaterThan(1);
  // No record after the failing one in its shard was processed.
  expect(new Set(texts(target).filter((text) => shardOf(text) === blocked))).toEqual(new Set(['a']));
});

test('a shard is read after its parent', async () => {
  const name = await stream();
  const seen: string[] = [];
  const target = new FakeFunction<KinesisStreamRecord>(async ([record]) => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    seen.push(textOf(record!));
  }, 4);
  const keys = [...'abcdef'];
  await put(name, ...keys.map((key) => `${key}1`));
  await client.send(
    new SplitShardCommand({
      StreamName: name,
      ShardToSplit: 'shardId-000000000000',
      NewStartingHashKey: String(2n ** 127n),
    }),
  );
  await waitUntilStreamExists({ client, maxWaitTime: 10, minDelay: 1 }, { StreamName: name });
  await put(name, ...keys.map((key) => `${key}2`));
  poll(name, target, { batchSize: 1 });
  await until(() => seen.length === 12);
  expect(seen.slice(0, 6)).toEqual(keys.map((key) => `${key}1`));
  expect(new Set(target.batches.flat().map(({ eventID }) => eventID.split(':')[0])).size).toBe(3);
});

test('batches of a shard run concurrently, except batches with the same key', async () => {
  const name = await stream();
  const running = new Set<string>();
  const doubled: string[] = [];
  const target = new FakeFunction<KinesisStreamRecord>(async ([record]) => {
    const key = record!.kinesis.partitionKey;
    if (running.has(key)) doubled.push(key);
    running.add(key);
    await new Promise((resolve) => setTimeout(resolve, 40));
    running.delete(key);
  }, 5);
  await put(name, ...[...'abcdef'].flatMap((key) => [1, 2, 3].map((number) => `${key}${number}`)));
  poll(name, target, { batchSize: 1, parallelizationFactor: 4 });
  await until(() => target.batches.length === 18);
  expect(doubled).toEqual([]);
  expect(target.mostRunning).toBeGreaterThan(1);
  for (const key of 'abcdef') {
    expect(texts(target).filter((text) => text.startsWith(key))).toEqual([1, 2, 3].map((number) => `${key}${number}`));
  }
});

test('after a partial failure, the batch is retried from the first failed record', async () => {
  const name = await stream();
  const target = new FakeFunction<KinesisStreamRecord>((records, invocation) =>
    invocation > 0
      ? undefined
      : {
          batchItemFailures: records
            .filter((record) => ['d', 'b'].includes(textOf(record)))
            .reverse()
            .map(({ kinesis }) => ({ itemIdentifier: kinesis.sequenceNumber })),
        },
  );
  await put(name, ...'abcd');
  poll(name, target);
  await until(() => target.batches.length === 2);
  expect(texts(target)).toEqual(['a b c d', 'b c d']);
});

test('bisecting isolates the failing record, and the destination receives its location', async () => {
  const name = await stream();
  const { QueueUrl } = await queues.send(new CreateQueueCommand({ QueueName: `destination-${created}` }));
  const target = new FakeFunction<KinesisStreamRecord>((records) => {
    if (records.some((record) => textOf(record) === 'c')) throw new Error('no');
  });
  await put(name, ...'abcd');
  poll(name, target, { bisectsOnError: true, maximumRetryAttempts: 1, onFailureQueueUrl: QueueUrl });
  await until(() => texts(target).includes('d'));
  expect(texts(target)).toEqual(['a b c d', 'a b', 'c d', 'c', 'c', 'd']);
  const { sequenceNumber } = target.batches.flat().find((record) => textOf(record) === 'c')!.kinesis;
  const { Messages } = await queues.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }));
  expect(JSON.parse(Messages![0]!.Body!)).toEqual({
    requestContext: { requestId: 'request', condition: 'RetryAttemptsExhausted', approximateInvokeCount: 2 },
    version: '1.0',
    timestamp: expect.any(String),
    KinesisBatchInfo: {
      shardId: 'shardId-000000000000',
      startSequenceNumber: sequenceNumber,
      endSequenceNumber: sequenceNumber,
      approximateArrivalOfFirstRecord: expect.any(String),
      approximateArrivalOfLastRecord: expect.any(String),
      batchSize: 1,
      streamArn: arnOf(name),
    },
  });
});

test('a filter can match the data as JSON, and the key', async () => {
  const name = await stream();
  const target = new FakeFunction<KinesisStreamRecord>();
  await client.send(
    new PutRecordsCommand({
      StreamName: name,
      Records: [
        ['{"city":"Rome"}', 'x'],
        ['{"city":"Paris"}', 'x'],
        ['no JSON', 'x'],
        ['{"city":"Paris"}', 'y'],
      ].map(([data, PartitionKey]) => ({ Data: Buffer.from(data!), PartitionKey })),
    }),
  );
  poll(name, target, {
    filter: parseFilter(['{"data":{"city":["Paris"]},"partitionKey":["x"]}', '{"data":["no JSON"]}']),
  });
  await until(() => target.batches.length > 0);
  expect(texts(target)).toEqual(['{"city":"Paris"} no JSON']);
});

test('a stream that cannot be read is reported and retried', async () => {
  poll('missing', new FakeFunction<KinesisStreamRecord>());
  await until(() => errors.length >= 2);
  expect(errors[0]?.message).toMatch(/^Cannot poll stream .*stream\/missing: /);
  await pollers.pop()?.stop();
  errors.length = 0;
});
