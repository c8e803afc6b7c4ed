import { CreateTopicCommand, SubscribeCommand, type SNSClient } from '@aws-sdk/client-sns';
import { CreateQueueCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { physicalName } from './physical-name';
import type { TopicSubscription } from '../pollers/topic';
import { LOCAL_ACCOUNT, LOCAL_REGION, type Template } from '../template';
import { memberOf, type TemplateRecord } from '../template-value';

/** Properties of a subscription that Subscribe knows as attributes of the same name. */
const SUBSCRIPTION_ATTRIBUTES = ['FilterPolicy', 'FilterPolicyScope', 'RawMessageDelivery'];

/** Creates the topics of a stack. Their subscriptions follow when what they deliver to is there. */
export async function createTopics(template: Template, client: SNSClient): Promise<void> {
  for (const logicalId of template.ofType('AWS::SNS::Topic')) {
    const { TopicName, FifoTopic, ContentBasedDeduplication } = template.properties(logicalId, ['TopicName', 'FifoTopic', 'ContentBasedDeduplication']);
    const name = physicalName(template, logicalId, TopicName, FifoTopic === true ? '.fifo' : '');
    const Attributes = FifoTopic === true ? { FifoTopic: 'true', ContentBasedDeduplication: String(ContentBasedDeduplication ?? false) } : undefined;
    try {
      const { TopicArn = '' } = await client.send(new CreateTopicCommand({ Name: name, Attributes }));
      template.provide(logicalId, { ref: TopicArn, attributes: { TopicArn, TopicName: name } });
    } catch (error) {
      throw new Error(`The topic "${logicalId}" cannot be created: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** Lets the topics deliver to the queues that are subscribed to them. Other subscriptions (to mail, for example) get nothing here. */
export async function subscribeQueues(template: Template, client: SNSClient): Promise<void> {
  for (const logicalId of template.ofType('AWS::SNS::Subscription')) {
    if (template.raw(logicalId).Protocol === 'sqs') {
      const properties = template.properties(logicalId, ['TopicArn', 'Endpoint', ...SUBSCRIPTION_ATTRIBUTES]);
      await subscribe(logicalId, properties, String(properties.Endpoint), client);
    }
  }
}

/** Lets a topic deliver to a function, by way of a queue from which the runner fetches. */
export async function subscribeFunction(template: Template, logicalId: string, sns: SNSClient, sqs: SQSClient): Promise<TopicSubscription> {
  const properties = template.properties(logicalId, ['TopicArn', ...SUBSCRIPTION_ATTRIBUTES]);
  const queueName = physicalName(template, logicalId, undefined);
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: queueName }));
  const subscriptionArn = await subscribe(logicalId, properties, `arn:aws:sqs:${LOCAL_REGION}:${LOCAL_ACCOUNT}:${queueName}`, sns);
  return { subscriptionArn, queueUrl: QueueUrl };
}

async function subscribe(logicalId: string, properties: TemplateRecord, queueArn: string, client: SNSClient): Promise<string> {
  const Attributes = Object.fromEntries(SUBSCRIPTION_ATTRIBUTES.flatMap((name) => {
    const value = memberOf(properties, name);
    return value === undefined ? [] : [[name, typeof value === 'object' ? JSON.stringify(value) : String(value)]];
  }));
  try {
    const { SubscriptionArn = '' } = await client.send(
      new SubscribeCommand({ TopicArn: String(properties.TopicArn), Protocol: 'sqs', Endpoint: queueArn, Attributes }));
    return SubscriptionArn;
  } catch (error) {
    throw new Error(`The subscription "${logicalId}" cannot be made: ${(error as Error).message}`, { cause: error });
  }
}
