import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { DescribeStreamCommand, DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { connect } from '../../../lambda/aws/connect';
import { discardedRecords } from '../../../lambda/aws/discarded-records';
import type { WorkflowConfiguration } from '../../../lambda/contract/configuration';
import type { Place } from '../../../lambda/engine';
import { dispatch } from '../../contracts/transport';
import { Embedded } from '../../support/servers/embedded';

/* Lambda reports discarded records by their place. The function reads them again from the stream. */

const embedded = Embedded.use();
jest.setTimeout(30_000);

beforeAll(() => {
  // DynamoDB and its streams have one server here.
  process.env.AWS_ENDPOINT_URL_DYNAMODB_STREAMS = process.env.AWS_ENDPOINT_URL_DYNAMODB;
});
afterAll(() => {
  delete process.env.AWS_ENDPOINT_URL_DYNAMODB_STREAMS;
});

async function open(service: 'kinesis' | 'dynamodb') {
  const checkpoints = await embedded.table('checkpoints');
  const streamName = await embedded.stream(1);
  const configuration: WorkflowConfiguration = {
    workflow: 'Orders',
    machines: ['order'],
    eventSource: service === 'kinesis' ? { service, streamName } : { service },
    retryQueues: [{ service: 'sqs', queueUrl: await embedded.queue() }],
    lockTable: { service: 'dynamodb', tableName: await embedded.table('locks'), retentionDays: 30 },
    checkpointTable: { service: 'dynamodb', tableName: checkpoints, retentionDays: 30 },
    deadLetterQueue: { service: 'sqs', queueUrl: await embedded.queue() },
  };
  const connection = await connect(configuration);
  const streamArn =
    service === 'kinesis' ? `arn:aws:kinesis:us-east-1:000000000000:stream/${streamName}` : await streamOf(checkpoints);
  return { ...connection, streamArn };
}

async function streamOf(tableName: string): Promise<string> {
  const { Table } = await embedded.dynamoDb().send(new DescribeTableCommand({ TableName: tableName }));
  return Table?.LatestStreamArn ?? '';
}

/** The only shard of a table's stream, and the sequence numbers of its records by the executionId of their envelopes. */
async function shardOf(streamArn: string) {
  const client = new DynamoDBStreamsClient({});
  try {
    const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamArn: streamArn }));
    return StreamDescription?.Shards?.[0];
  } finally {
    client.destroy();
  }
}

const report = (member: string, streamArn: string, shardId: string, first: string, last: string, batchSize: number) =>
  discardedRecords(
    JSON.stringify({
      requestContext: { condition: 'RecordAgeExceeded', approximateInvokeCount: 9 },
      version: '1.0',
      [member]: { shardId, startSequenceNumber: first, endSequenceNumber: last, batchSize, streamArn },
    }),
  )!;

test('reads the discarded records of a Kinesis stream again, and no others', async () => {
  const { ports, readAgain, streamArn, close } = await open('kinesis');
  const [source] = ports.eventSources;
  const places: Place[] = [];
  for (const executionId of ['a', 'b', 'c', 'd']) {
    const [result] = (await source?.send([dispatch(executionId, 0)])) ?? [];
    if (result?.ok) places.push(result.place);
  }
  const [, b, c] = places;
  const records = report('KinesisBatchInfo', streamArn, b?.shard ?? '', b!.sequenceNumber!, c!.sequenceNumber!, 2);
  const found = await readAgain(records);
  expect(found.map(({ body }) => body)).toEqual([dispatch('b', 0).body, dispatch('c', 0).body]);
  expect(found.map(({ place }) => place.sequenceNumber)).toEqual([b?.sequenceNumber, c?.sequenceNumber]);
  close();
});

test('reads the discarded envelopes of a table again, without the items that hold none', async () => {
  const { ports, readAgain, streamArn, close } = await open('dynamodb');
  const [source] = ports.eventSources;
  for (const executionId of ['a', 'b']) {
    await source?.send([dispatch(executionId, 0)]);
    await ports.mailbox.put({ executionId }, { id: 'm', event: 'paid' });
  }
  const shard = await shardOf(streamArn);
  const { StartingSequenceNumber: first = '' } = shard?.SequenceNumberRange ?? {};
  const last = (BigInt(first) + 10n ** 12n).toString();
  const records = report('DDBStreamBatchInfo', streamArn, shard?.ShardId ?? '', first, last, 2);
  expect((await readAgain(records)).map(({ body }) => body)).toEqual([dispatch('a', 0).body, dispatch('b', 0).body]);
  close();
});
