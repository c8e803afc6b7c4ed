import { CreateTopicCommand, SubscribeCommand, type SNSClient } from '@aws-sdk/client-sns';
import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import { LOCAL_ACCOUNT, LOCAL_REGION, type Template } from '../../template/template';
import { memberOf, type TemplateRecord } from '../../template/template-value';
import type { EventSources, ResourceClients } from '../shared/broker';
import { physicalName } from '../shared/physical-name';

/** A subscription of a function to a topic. */
export interface TopicSubscription {
  readonly subscriptionArn: string;
  /** The queue to which the embedded server delivers, because it cannot invoke functions. Only the local runner reads it. */
  readonly queueUrl: string;
}

/** The properties of a subscription with the same name in CloudFormation and in Subscribe. */
const SUBSCRIPTION_ATTRIBUTES = ['FilterPolicy', 'FilterPolicyScope', 'RawMessageDelivery'];

/**
 * Creates the topics of a stack, and subscribes queues to them. Functions are subscribed later, when their pollers start. All other
 * subscriptions (such as email) receive no messages.
 */
export async function createTopics(template: Template, { sns }: ResourceClients): Promise<EventSources> {
  const topicArns = new Map<string, string>();
  for (const logicalId of template.ofType('AWS::SNS::Topic')) {
    const topicArn = await createTopic(template, logicalId, sns);
    topicArns.set(topicArn, topicArn);
  }
  for (const logicalId of template.ofType('AWS::SNS::Subscription')) {
    if (template.raw(logicalId).Protocol === 'sqs') {
      const { Endpoint } = template.properties(logicalId, ['Endpoint']);
      await subscribe(logicalId, subscriptionProperties(template, logicalId), String(Endpoint), sns);
    }
  }
  return topicArns;
}

/** Returns the resolved properties of a subscription, except its endpoint. */
export function subscriptionProperties(template: Template, logicalId: string): TemplateRecord {
  return template.properties(logicalId, ['TopicArn', ...SUBSCRIPTION_ATTRIBUTES]);
}

/** Subscribes a function to a topic, through a queue that the local runner polls. */
export async function subscribeFunction(
  template: Template,
  logicalId: string,
  properties: TemplateRecord,
  { sns, sqs }: Pick<ResourceClients, 'sns' | 'sqs'>,
): Promise<TopicSubscription> {
  const queueName = physicalName(template, logicalId, undefined);
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: queueName }));
  const queueArn = `arn:aws:sqs:${LOCAL_REGION}:${LOCAL_ACCOUNT}:${queueName}`;
  return { subscriptionArn: await subscribe(logicalId, properties, queueArn, sns), queueUrl: QueueUrl };
}

async function createTopic(template: Template, logicalId: string, client: SNSClient): Promise<string> {
  const { TopicName, FifoTopic, ContentBasedDeduplication } = template.properties(logicalId, [
    'TopicName',
    'FifoTopic',
    'ContentBasedDeduplication',
  ]);
  const name = physicalName(template, logicalId, TopicName, FifoTopic === true ? '.fifo' : '');
  const Attributes =
    FifoTopic === true
      ? { FifoTopic: 'true', ContentBasedDeduplication: String(ContentBasedDeduplication ?? false) }
      : undefined;
  try {
    const { TopicArn = '' } = await client.send(new CreateTopicCommand({ Name: name, Attributes }));
    template.provide(logicalId, { ref: TopicArn, attributes: { TopicArn, TopicName: name } });
    return TopicArn;
  } catch (error) {
    throw new Error(`Cannot create topic "${logicalId}": ${(error as Error).message}`, { cause: error });
  }
}

async function subscribe(
  logicalId: string,
  properties: TemplateRecord,
  queueArn: string,
  client: SNSClient,
): Promise<string> {
  const Attributes = Object.fromEntries(
    SUBSCRIPTION_ATTRIBUTES.flatMap((name) => {
      const value = memberOf(properties, name);
      return value === undefined ? [] : [[name, typeof value === 'object' ? JSON.stringify(value) : String(value)]];
    }),
  );
  try {
    const { SubscriptionArn = '' } = await client.send(
      new SubscribeCommand({ TopicArn: String(properties.TopicArn), Protocol: 'sqs', Endpoint: queueArn, Attributes }),
    );
    return SubscriptionArn;
  } catch (error) {
    throw new Error(`Cannot create subscription "${logicalId}": ${(error as Error).message}`, { cause: error });
  }
}
