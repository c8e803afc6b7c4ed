import type { Message, SQSClient } from '@aws-sdk/client-sqs';
import { subscribeFunction, subscriptionProperties, type TopicSubscription } from './resource';
import { startPolling, type OnPollerError, type Poller } from '../../function/poller';
import type { Template } from '../../template/template';
import type { EventReceiver, StartPoller, Trigger } from '../shared/broker';
import { deleteMessages, receiveMessages } from '../shared/messages';

/** Maximum number of messages that one lane delivers concurrently. */
const MAX_CONCURRENT_MESSAGES = 10;

/** Reads a subscription of a function to a topic. */
export function readTopicTrigger(template: Template, { logicalId }: Trigger): StartPoller {
  const properties = subscriptionProperties(template, logicalId);
  return async ({ asynchronous, clients, resourceClients, onError }) => {
    const subscription = await subscribeFunction(template, logicalId, properties, resourceClients);
    return pollTopic(subscription, asynchronous, clients.sqsForSns, onError);
  };
}

/**
 * Delivers the messages of a topic to a function, one message per invocation. Like Amazon SNS, it hands each message over to Lambda's
 * asynchronous invocation, which retries failures.
 *
 * @param client reads the queue of the subscription
 */
export function pollTopic(
  { queueUrl, subscriptionArn }: TopicSubscription,
  target: EventReceiver,
  client: SQSClient,
  onError: OnPollerError,
): Poller {
  const poll = async (signal: AbortSignal) => {
    const messages = await receiveMessages(client, queueUrl, { messages: MAX_CONCURRENT_MESSAGES }, signal);
    await deleteMessages(client, queueUrl, messages);
    await Promise.all(messages.map((message) => target.invoke({ Records: [toRecord(message, subscriptionArn)] })));
  };
  return startPolling(poll, {
    lanes: target.environments,
    failure: `Cannot deliver messages of subscription ${subscriptionArn}`,
    onError,
  });
}

/** A message that Amazon SNS delivers to a queue without raw message delivery. */
interface Notification {
  readonly Type: string;
  readonly MessageId: string;
  readonly TopicArn: string;
  readonly Subject: string | null;
  readonly Message: string;
  readonly Timestamp: string;
  readonly SignatureVersion: string;
  readonly Signature: string;
  readonly SigningCertURL: string;
  readonly UnsubscribeURL: string;
  readonly MessageAttributes?: object;
}

function toRecord({ Body = '' }: Message, subscriptionArn: string): object {
  // Only the embedded server sends to this queue, so the body is a notification.
  const { SigningCertURL, UnsubscribeURL, MessageAttributes = {}, ...notification } = JSON.parse(Body) as Notification;
  return {
    EventVersion: '1.0',
    EventSubscriptionArn: subscriptionArn,
    EventSource: 'aws:sns',
    Sns: { ...notification, SigningCertUrl: SigningCertURL, UnsubscribeUrl: UnsubscribeURL, MessageAttributes },
  };
}
