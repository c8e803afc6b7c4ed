import { randomUUID } from 'node:crypto';
import { CreateTableCommand, DynamoDBClient, ScanCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
  type Message,
} from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { CHECKPOINT_TABLE_KEY, LOCK_TABLE_KEY, RETRY_TABLE_KEY } from '../../../lambda/contract/tables';
import { startServers, type Servers } from '../../../lambda/local/servers/servers';

const KEYS = { locks: LOCK_TABLE_KEY, checkpoints: CHECKPOINT_TABLE_KEY, retries: RETRY_TABLE_KEY };

/** The environment variable with the URL of an emulated AWS account to use instead of the embedded servers. */
const ENDPOINT_VARIABLE = 'FSM_TEST_ENDPOINT';

/** The embedded servers of one test file, with clients for them. */
export class Embedded {
  /** Starts the servers before the tests of the file, directs the environment to them, and stops them afterwards. */
  public static use(): Embedded {
    const embedded = new Embedded();
    beforeAll(() => embedded.start());
    afterAll(() => embedded.stop());
    return embedded;
  }

  private servers?: Servers;
  /** Test files may share an account. */
  private readonly prefix = randomUUID().slice(0, 8);
  private made = 0;
  private readonly clients: { destroy(): void }[] = [];

  /** A new client, so that the faults that a test injects affect no other test. */
  public dynamoDb(): DynamoDBClient {
    return this.opened(new DynamoDBClient({ maxAttempts: 3 }));
  }

  public sqs(): SQSClient {
    return this.opened(new SQSClient({ maxAttempts: 3, useQueueUrlAsEndpoint: false }));
  }

  public kinesis(): KinesisClient {
    return this.opened(new KinesisClient({ maxAttempts: 3, requestHandler: new NodeHttpHandler() }));
  }

  public sns(): SNSClient {
    return this.opened(new SNSClient({ maxAttempts: 3 }));
  }

  /** @returns the name of a new, empty table */
  public async table(kind: keyof typeof KEYS): Promise<string> {
    const TableName = this.newName(kind);
    const { partitionKey, sortKey } = { sortKey: undefined, ...KEYS[kind] };
    const keys = sortKey ? [partitionKey, sortKey] : [partitionKey];
    await this.dynamoDb().send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: keys.map(({ name }, index) => ({ AttributeName: name, KeyType: index === 0 ? 'HASH' : 'RANGE' })),
        AttributeDefinitions: keys.map(({ name, type }) => ({ AttributeName: name, AttributeType: type })),
        ...(kind === 'checkpoints'
          ? { StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' } }
          : {}),
      }),
    );
    return TableName;
  }

  /** @returns the URL of a new, empty queue */
  public async queue(options: { readonly fifo?: boolean } = {}): Promise<string> {
    const { QueueUrl = '' } = await this.sqs().send(
      new CreateQueueCommand({
        QueueName: `${this.newName('queue')}${options.fifo ? '.fifo' : ''}`,
        Attributes: options.fifo ? { FifoQueue: 'true' } : {},
      }),
    );
    return QueueUrl;
  }

  /** @returns the name of a new, empty stream */
  public async stream(shards: number): Promise<string> {
    const StreamName = this.newName('stream');
    await this.kinesis().send(new CreateStreamCommand({ StreamName, ShardCount: shards }));
    return StreamName;
  }

  /** @returns the ARN of a new topic, and the URL of the queue that it delivers raw messages to */
  public async topic(): Promise<{ readonly topicArn: string; readonly queueUrl: string }> {
    const queueUrl = await this.queue();
    const { Attributes } = await this.sqs().send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['QueueArn'] }),
    );
    const { TopicArn = '' } = await this.sns().send(new CreateTopicCommand({ Name: this.newName('topic') }));
    const Statement = {
      Effect: 'Allow',
      Principal: { Service: 'sns.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: Attributes?.QueueArn,
      Condition: { ArnEquals: { 'aws:SourceArn': TopicArn } },
    };
    await this.sqs().send(
      new SetQueueAttributesCommand({
        QueueUrl: queueUrl,
        Attributes: { Policy: JSON.stringify({ Version: '2012-10-17', Statement }) },
      }),
    );
    await this.sns().send(
      new SubscribeCommand({
        TopicArn,
        Protocol: 'sqs',
        Endpoint: Attributes?.QueueArn,
        Attributes: { RawMessageDelivery: 'true' },
      }),
    );
    return { topicArn: TopicArn, queueUrl };
  }

  /** All records of a stream by shard. */
  public async records(
    streamName: string,
  ): Promise<Record<string, { readonly data: string; readonly sequenceNumber?: string }[]>> {
    const client = this.kinesis();
    const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName: streamName }));
    const found = Shards.map(async ({ ShardId = '' }) => {
      const { ShardIterator } = await client.send(
        new GetShardIteratorCommand({ StreamName: streamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
      );
      const { Records = [] } = await client.send(new GetRecordsCommand({ ShardIterator }));
      return [
        ShardId,
        Records.map(({ Data = new Uint8Array(), SequenceNumber }) => ({
          data: Buffer.from(Data).toString(),
          sequenceNumber: SequenceNumber,
        })),
      ] as const;
    });
    return Object.fromEntries(await Promise.all(found));
  }

  /** Receives and deletes all visible messages of a queue. */
  public async receive(queueUrl: string): Promise<Message[]> {
    const client = this.sqs();
    const received: Message[] = [];
    for (;;) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: 10,
          MessageAttributeNames: ['All'],
          MessageSystemAttributeNames: ['All'],
        }),
      );
      if (Messages.length === 0) return received;
      received.push(...Messages);
      await Promise.all(
        Messages.map(({ ReceiptHandle }) =>
          client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle })),
        ),
      );
    }
  }

  /** All items of a table. */
  public async items(tableName: string): Promise<Record<string, AttributeValue>[]> {
    const { Items = [] } = await this.dynamoDb().send(new ScanCommand({ TableName: tableName, ConsistentRead: true }));
    return Items;
  }

  private async start(): Promise<void> {
    const endpoint = process.env[ENDPOINT_VARIABLE];
    if (endpoint) {
      // The environment provides the Region and the credentials as well.
      process.env.AWS_ENDPOINT_URL = endpoint;
      return;
    }
    this.servers = await startServers();
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_DYNAMODB: this.servers.dynamodb,
      AWS_ENDPOINT_URL_SQS: this.servers.sqs,
      AWS_ENDPOINT_URL_SNS: this.servers.sns,
      AWS_ENDPOINT_URL_KINESIS: this.servers.kinesis,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    });
  }

  private async stop(): Promise<void> {
    this.clients.forEach((client) => client.destroy());
    await this.servers?.stop();
  }

  private newName(kind: string): string {
    return `${kind}-${this.prefix}-${(this.made += 1)}`;
  }

  private opened<T extends { destroy(): void }>(client: T): T {
    this.clients.push(client);
    return client;
  }
}
