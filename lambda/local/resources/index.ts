import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { SNSClient } from '@aws-sdk/client-sns';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { provideNames } from './names';
import { createQueues } from './queues';
import { createStreams } from './streams';
import { createTables } from './tables';
import { createTopics, subscribeQueues } from './topics';
import type { Template } from '../template';

/** What it takes to create resources on the embedded servers. */
export interface ResourceClients {
  readonly dynamodb: DynamoDBClient;
  readonly kinesis: KinesisClient;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  /**
   * Makes up the URL by which the stack knows a queue.
   *
   * @param actualUrl the URL by which the server knows it
   */
  readonly nameQueue: (queueName: string, actualUrl: string) => string;
}

/** The resources of the stack that functions can be invoked from, or that take what is given up. */
export interface Resources {
  /** URLs of the queues by ARN. */
  readonly queueUrls: ReadonlyMap<string, string>;
  /** ARNs of the streams of tables. */
  readonly tableStreamArns: ReadonlySet<string>;
  /** ARN of the Kinesis stream by its own ARN and by those of its consumers. */
  readonly kinesisStreamArns: ReadonlyMap<string, string>;
}

/**
 * Creates the tables, queues, streams and topics of a stack, or finds those tables again that a database file has kept, and makes the
 * template know them.
 *
 * @throws Error when the template asks for what the embedded servers do not have
 */
export async function createResources(template: Template, clients: ResourceClients): Promise<Resources> {
  provideNames(template);
  const tableStreamArns = await createTables(template, clients.dynamodb);
  const queueUrls = await createQueues(template, clients.sqs, clients.nameQueue);
  const kinesisStreamArns = await createStreams(template, clients.kinesis);
  await createTopics(template, clients.sns);
  await subscribeQueues(template, clients.sns);
  return { queueUrls, tableStreamArns, kinesisStreamArns };
}
