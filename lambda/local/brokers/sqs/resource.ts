import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import { LOCAL_ACCOUNT, LOCAL_REGION, type Template } from '../../template/template';
import type { EventSources, ResourceClients } from '../shared/broker';
import { physicalName } from '../shared/physical-name';

/** The attributes of a queue with the same name in CloudFormation and in CreateQueue. */
const QUEUE_ATTRIBUTES = [
  'ContentBasedDeduplication',
  'DeduplicationScope',
  'DelaySeconds',
  'FifoQueue',
  'FifoThroughputLimit',
  'MaximumMessageSize',
  'MessageRetentionPeriod',
  'ReceiveMessageWaitTimeSeconds',
  'RedriveAllowPolicy',
  'RedrivePolicy',
  'VisibilityTimeout',
];

/** Creates the queues of a stack, and returns their URLs by their ARNs. */
export async function createQueues(template: Template, { sqs, nameQueue }: ResourceClients): Promise<EventSources> {
  const urls = new Map<string, string>();
  const names = new Map(
    template.ofType('AWS::SQS::Queue').map((logicalId) => {
      const { FifoQueue, QueueName } = template.properties(logicalId, ['FifoQueue', 'QueueName']);
      return [logicalId, physicalName(template, logicalId, QueueName, FifoQueue === true ? '.fifo' : '')];
    }),
  );
  const arnOf = (name: string) => `arn:aws:sqs:${LOCAL_REGION}:${LOCAL_ACCOUNT}:${name}`;
  // All ARNs are registered first, because any queue may be the dead-letter queue of another.
  for (const [logicalId, name] of names) {
    template.provide(logicalId, { ref: name, attributes: { Arn: arnOf(name), QueueName: name } });
  }
  for (const [logicalId, name] of names) {
    const attributes = Object.fromEntries(
      Object.entries(template.properties(logicalId, QUEUE_ATTRIBUTES))
        .filter(([, value]) => value !== false)
        .map(([attribute, value]) => [attribute, typeof value === 'object' ? JSON.stringify(value) : String(value)]),
    );
    try {
      const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
      const url = nameQueue(`${LOCAL_ACCOUNT}/${name}`, QueueUrl);
      template.provide(logicalId, { ref: url, attributes: { Arn: arnOf(name), QueueName: name, QueueUrl: url } });
      urls.set(arnOf(name), url);
    } catch (error) {
      throw new Error(`Cannot create queue "${logicalId}": ${(error as Error).message}`, { cause: error });
    }
  }
  return urls;
}
