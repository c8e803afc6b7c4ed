import { CreateQueueCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { physicalName } from './physical-name';
import { LOCAL_ACCOUNT, LOCAL_REGION, type Template } from '../template';

/** Attributes of a queue that CloudFormation and CreateQueue know by the same name. */
const QUEUE_ATTRIBUTES = [
  'ContentBasedDeduplication', 'DeduplicationScope', 'DelaySeconds', 'FifoQueue', 'FifoThroughputLimit', 'MaximumMessageSize',
  'MessageRetentionPeriod', 'ReceiveMessageWaitTimeSeconds', 'RedriveAllowPolicy', 'RedrivePolicy', 'VisibilityTimeout',
];

/**
 * Creates the queues of a stack.
 *
 * @param nameQueue makes up the URL by which the stack knows a queue, from the one by which the server knows it
 * @returns the URLs by which the stack knows them, by ARN
 */
export async function createQueues(
  template: Template, client: SQSClient, nameQueue: (queueName: string, actualUrl: string) => string,
): Promise<Map<string, string>> {
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
      const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
      const url = nameQueue(name, QueueUrl ?? '');
      template.provide(logicalId, { ref: url, attributes: { Arn: arnOf(name), QueueName: name, QueueUrl: url } });
      urls.set(arnOf(name), url);
    } catch (error) {
      throw new Error(`The queue "${logicalId}" cannot be created: ${(error as Error).message}`, { cause: error });
    }
  }
  return urls;
}
