import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateStreamCommand, DescribeStreamSummaryCommand, KinesisClient } from '@aws-sdk/client-kinesis';
import { CreateTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { BrokerName } from '../lambda/contract/brokers';
import type { EventSourceConfiguration, WorkflowConfiguration } from '../lambda/contract/configuration';

/** The measured event sources, each with the AWS clients that its workflow loads. */
export const SOURCES = {
  sqs: ['dynamodb', 'sqs'],
  dynamodb: ['dynamodb'],
  kinesis: ['dynamodb', 'kinesis'],
  sns: ['dynamodb', 'sns'],
} as const satisfies Record<BrokerName, readonly string[]>;

export type Source = keyof typeof SOURCES;

export const SOURCE_NAMES = Object.keys(SOURCES) as readonly Source[];

/** The configuration of a workflow whose resources do not exist. */
export function fakeConfiguration(source: Source): WorkflowConfiguration {
  const queueUrl = 'http://127.0.0.1:1/000000000000/events';
  const eventSources: Record<Source, EventSourceConfiguration> = {
    sqs: { service: 'sqs', queueUrl },
    dynamodb: { service: 'dynamodb' },
    kinesis: { service: 'kinesis', streamName: 'events' },
    sns: { service: 'sns', topicArn: 'arn:aws:sns:eu-west-1:000000000000:events' },
  };
  return configurationOf(source, eventSources[source], {
    locks: 'locks',
    checkpoints: 'checkpoints',
    retries: 'retries',
    queueUrl,
  });
}

/** Creates the resources of a workflow on the embedded servers. */
export async function createWorkflow(source: Source): Promise<WorkflowConfiguration> {
  const sqs = new SQSClient();
  const createQueue = async (name: string) =>
    (await sqs.send(new CreateQueueCommand({ QueueName: `${source}-${name}` }))).QueueUrl ?? '';
  const [locks, checkpoints, retries] = await Promise.all([
    createTable(`${source}-locks`, ['executionId']),
    createTable(`${source}-checkpoints`, ['executionId', 'entry'], source === 'dynamodb'),
    createTable(`${source}-retries`, ['shard', 'due']),
  ]);
  const eventSources: Record<Source, () => Promise<EventSourceConfiguration>> = {
    sqs: async () => ({ service: 'sqs', queueUrl: await createQueue('events') }),
    dynamodb: async () => ({ service: 'dynamodb' }),
    kinesis: async () => ({ service: 'kinesis', streamName: await createStream('events') }),
    sns: async () => {
      const { TopicArn = '' } = await new SNSClient().send(new CreateTopicCommand({ Name: 'events' }));
      return { service: 'sns', topicArn: TopicArn };
    },
  };
  return configurationOf(source, await eventSources[source](), {
    locks,
    checkpoints,
    retries,
    queueUrl: await createQueue('dead-letters'),
  });
}

interface Resources {
  readonly locks: string;
  readonly checkpoints: string;
  readonly retries: string;
  readonly queueUrl: string;
}

function configurationOf(
  source: Source,
  eventSource: EventSourceConfiguration,
  resources: Resources,
): WorkflowConfiguration {
  return {
    workflow: 'Bench',
    machines: ['ring'],
    eventSource,
    // The same service as the event source, if possible, so no other client is loaded.
    retryQueues:
      source === 'sqs'
        ? [{ service: 'sqs', queueUrl: resources.queueUrl }]
        : [{ service: 'dynamodb', tableName: resources.retries, shards: 1 }],
    lockTable: { service: 'dynamodb', tableName: resources.locks, retentionDays: 30 },
    checkpointTable: { service: 'dynamodb', tableName: resources.checkpoints, retentionDays: 30 },
    deadLetterQueue: { service: 'sqs', queueUrl: resources.queueUrl },
  };
}

/**
 * @param stream enables the stream of the table. Unlike DynamoDB, the embedded server examines all earlier records for each new one, so
 * only a table that needs a stream gets one
 */
export async function createTable(TableName: string, keys: readonly string[], stream = false): Promise<string> {
  await new DynamoDBClient().send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: keys.map((AttributeName, index) => ({ AttributeName, KeyType: index === 0 ? 'HASH' : 'RANGE' })),
      AttributeDefinitions: keys.map((AttributeName) => ({
        AttributeName,
        AttributeType: AttributeName === 'shard' ? 'N' : 'S',
      })),
      ...(stream ? { StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' } } : {}),
    }),
  );
  return TableName;
}

async function createStream(StreamName: string): Promise<string> {
  // The embedded server supports HTTP/1 only.
  const client = new KinesisClient({ requestHandler: new NodeHttpHandler() });
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
  for (;;) {
    const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName }));
    if (StreamDescriptionSummary?.StreamStatus === 'ACTIVE') return StreamName;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
