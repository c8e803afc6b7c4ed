import {
  CreateTableCommand, DescribeTableCommand, ResourceInUseException, UpdateTimeToLiveCommand, waitUntilTableExists,
  type CreateTableCommandInput, type DynamoDBClient, type TableDescription,
} from '@aws-sdk/client-dynamodb';
import { CreateQueueCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { LOCAL_ACCOUNT, LOCAL_REGION, type Template } from './template';
import { listOf, memberOf, type TemplateValue } from './template-value';

/** What it takes to create resources on the embedded servers. */
export interface ResourceClients {
  readonly dynamodb: DynamoDBClient;
  readonly sqs: SQSClient;
  /**
   * Makes up the URL by which the stack knows a queue.
   *
   * @param actualUrl the URL by which the server knows it
   */
  readonly nameQueue: (queueName: string, actualUrl: string) => string;
}

/** The resources of the stack that hold data. */
export interface Resources {
  /** URLs of the queues by ARN. */
  readonly queueUrls: ReadonlyMap<string, string>;
  /** ARNs of the streams of tables. */
  readonly streamArns: ReadonlySet<string>;
}

/**
 * Creates the tables and queues of a stack, or finds those again that a database file has kept, and makes the template know them.
 *
 * @throws Error when the template asks for what the embedded servers do not have
 */
export async function createResources(template: Template, clients: ResourceClients): Promise<Resources> {
  const streamArns = new Set<string>();
  for (const logicalId of template.ofType('AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable')) {
    const streamArn = await createTable(template, logicalId, clients.dynamodb);
    if (streamArn !== undefined) {
      streamArns.add(streamArn);
    }
  }
  return { queueUrls: await createQueues(template, clients), streamArns };
}

/** Properties of a table that both resource types and CreateTable know by the same name. Capacity is none of the runner's business. */
const TABLE_PROPERTIES = ['AttributeDefinitions', 'KeySchema', 'LocalSecondaryIndexes', 'StreamSpecification', 'TableName', 'TimeToLiveSpecification'];

async function createTable(template: Template, logicalId: string, client: DynamoDBClient): Promise<string | undefined> {
  const properties = template.properties(logicalId, [...TABLE_PROPERTIES, 'GlobalSecondaryIndexes']);
  const name = physicalName(template, logicalId, properties.TableName);
  const indexes = listOf(properties.GlobalSecondaryIndexes);
  // The template's properties are, by CloudFormation's schema, those of the request.
  const input = {
    TableName: name,
    KeySchema: properties.KeySchema,
    AttributeDefinitions: properties.AttributeDefinitions,
    LocalSecondaryIndexes: properties.LocalSecondaryIndexes,
    GlobalSecondaryIndexes: indexes.length === 0 ? undefined : indexes.map((index) => ({
      IndexName: memberOf(index, 'IndexName'), KeySchema: memberOf(index, 'KeySchema'), Projection: memberOf(index, 'Projection'),
    })),
    StreamSpecification: properties.StreamSpecification && {
      StreamEnabled: true, StreamViewType: memberOf(properties.StreamSpecification, 'StreamViewType'),
    },
    BillingMode: 'PAY_PER_REQUEST',
  } as CreateTableCommandInput;
  try {
    await client.send(new CreateTableCommand(input));
    await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName: name });
    if (memberOf(properties.TimeToLiveSpecification, 'Enabled') === true) {
      const AttributeName = String(memberOf(properties.TimeToLiveSpecification, 'AttributeName'));
      await client.send(new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification: { AttributeName, Enabled: true } }));
    }
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) {
      throw new Error(`The table "${logicalId}" cannot be created: ${(error as Error).message}`, { cause: error });
    }
  }
  const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
  template.provide(logicalId, { ref: name, attributes: tableAttributes(Table ?? {}) });
  return Table?.LatestStreamArn;
}

function tableAttributes({ TableArn, LatestStreamArn }: TableDescription): Record<string, string> {
  return { ...TableArn === undefined ? {} : { Arn: TableArn }, ...LatestStreamArn === undefined ? {} : { StreamArn: LatestStreamArn } };
}

/** Attributes of a queue that CloudFormation and CreateQueue know by the same name. */
const QUEUE_ATTRIBUTES = [
  'ContentBasedDeduplication', 'DeduplicationScope', 'DelaySeconds', 'FifoQueue', 'FifoThroughputLimit', 'MaximumMessageSize',
  'MessageRetentionPeriod', 'ReceiveMessageWaitTimeSeconds', 'RedriveAllowPolicy', 'RedrivePolicy', 'VisibilityTimeout',
];

async function createQueues(template: Template, { sqs, nameQueue }: ResourceClients): Promise<Map<string, string>> {
  const urls = new Map<string, string>();
  const logicalIds = template.ofType('AWS::SQS::Queue');
  const names = new Map(logicalIds.map((logicalId) => {
    const { FifoQueue, QueueName } = template.properties(logicalId, ['FifoQueue', 'QueueName']);
    return [logicalId, physicalName(template, logicalId, QueueName, FifoQueue === true ? '.fifo' : '')];
  }));
  // ARNs first: a queue may name any other as its dead-letter queue.
  const arnOf = (name: string) => `arn:aws:sqs:${LOCAL_REGION}:${LOCAL_ACCOUNT}:${name}`;
  for (const [logicalId, name] of names) {
    template.provide(logicalId, { ref: name, attributes: { Arn: arnOf(name), QueueName: name } });
  }
  for (const [logicalId, name] of names) {
    const attributes = Object.fromEntries(Object.entries(template.properties(logicalId, QUEUE_ATTRIBUTES))
      .filter(([, value]) => value !== false)
      .map(([attribute, value]) => [attribute, typeof value === 'object' ? JSON.stringify(value) : String(value)]));
    try {
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
      const url = nameQueue(name, QueueUrl ?? '');
      template.provide(logicalId, { ref: url, attributes: { Arn: arnOf(name), QueueName: name, QueueUrl: url } });
      urls.set(arnOf(name), url);
    } catch (error) {
      throw new Error(`The queue "${logicalId}" cannot be created: ${(error as Error).message}`, { cause: error });
    }
  }
  return urls;
}

/** The name that the template gives, or one that is made of the stack's name, as CloudFormation does: queue names are the shortest. */
function physicalName(template: Template, logicalId: string, given: TemplateValue | undefined, suffix = ''): string {
  return typeof given === 'string' ? given : `${template.stackName}-${logicalId}`.slice(-80 + suffix.length) + suffix;
}
