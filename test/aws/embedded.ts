import { CreateTableCommand, DynamoDBClient, ScanCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient, type Message } from '@aws-sdk/client-sqs';
import { startServers, type Servers } from '../../lambda/local/servers';

const KEYS = {
  locks: ['executionId'],
  checkpoints: ['executionId', 'entry'],
  retries: ['shard', 'due'],
};

/** The embedded servers of one test file, with clients for them. */
export class Embedded {
  /** Starts the servers before the tests of the file, stops them after, and points the environment to them. */
  public static use(): Embedded {
    const embedded = new Embedded();
    beforeAll(() => embedded.start());
    afterAll(() => embedded.stop());
    return embedded;
  }

  private servers?: Servers;
  private made = 0;
  private readonly clients: { destroy(): void }[] = [];

  /** A client of its own, so that what a test does to it harms no other. */
  public dynamoDb(): DynamoDBClient {
    return this.opened(new DynamoDBClient({ maxAttempts: 3 }));
  }

  public sqs(): SQSClient {
    return this.opened(new SQSClient({ maxAttempts: 3, useQueueUrlAsEndpoint: false }));
  }

  /** @returns the name of a new, empty table */
  public async table(kind: keyof typeof KEYS): Promise<string> {
    const TableName = `${kind}-${this.made += 1}`;
    const keys = KEYS[kind];
    await this.dynamoDb().send(new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: keys.map((AttributeName, index) => ({ AttributeName, KeyType: index === 0 ? 'HASH' : 'RANGE' })),
      AttributeDefinitions: keys.map((AttributeName) => ({ AttributeName, AttributeType: AttributeName === 'shard' ? 'N' : 'S' })),
      ...kind === 'checkpoints' ? { StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' } } : {},
    }));
    return TableName;
  }

  /** @returns the URL of a new, empty queue */
  public async queue(options: { readonly fifo?: boolean } = {}): Promise<string> {
    const { QueueUrl = '' } = await this.sqs().send(new CreateQueueCommand({
      QueueName: `queue-${this.made += 1}${options.fifo ? '.fifo' : ''}`,
      Attributes: options.fifo ? { FifoQueue: 'true' } : {},
    }));
    return QueueUrl;
  }

  /** Takes all messages out of a queue that can be taken now. */
  public async receive(queueUrl: string): Promise<Message[]> {
    const client = this.sqs();
    const received: Message[] = [];
    for (;;) {
      const { Messages = [] } = await client.send(new ReceiveMessageCommand({
        QueueUrl: queueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'],
      }));
      if (Messages.length === 0) return received;
      received.push(...Messages);
      await Promise.all(Messages.map(({ ReceiptHandle }) => client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }))));
    }
  }

  /** All items of a table, as they lie there. */
  public async items(tableName: string): Promise<Record<string, AttributeValue>[]> {
    const { Items = [] } = await this.dynamoDb().send(new ScanCommand({ TableName: tableName, ConsistentRead: true }));
    return Items;
  }

  private async start(): Promise<void> {
    this.servers = await startServers();
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_DYNAMODB: this.servers.dynamodb,
      AWS_ENDPOINT_URL_SQS: this.servers.sqs,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    });
  }

  private async stop(): Promise<void> {
    this.clients.forEach((client) => client.destroy());
    await this.servers?.stop();
  }

  private opened<T extends { destroy(): void }>(client: T): T {
    this.clients.push(client);
    return client;
  }
}
