import { DeleteMessageBatchCommand, ReceiveMessageCommand, type Message, type SQSClient } from '@aws-sdk/client-sqs';
import { pause, stopper, type OnPollerError, type Poller } from './poller';

/** A subscription of a function to a topic. */
export interface TopicSubscription {
  readonly subscriptionArn: string;
  /** The queue that the embedded server delivers to, as it knows no functions: nobody else reads it. */
  readonly queueUrl: string;
}

/** Who takes over what SNS delivers to a function. */
export interface EventTaker {
  readonly environments: number;
  invoke(event: unknown): Promise<void>;
}

/** The most messages that are delivered at the same time by one lane. */
const MOST_MESSAGES_A_REQUEST = 10;
/** How long a request waits for a message, in seconds. */
const LONGEST_POLL = 20;
/** How long a topic that failed is left alone, in milliseconds. */
const PAUSE_AFTER_ERROR = 200;

/**
 * Delivers the messages of a topic to a function, each by itself: SNS hands it over to Lambda, and has then done with it.
 *
 * @param client reaches the subscription's queue, and fails when SNS is to fail
 */
export function deliverTopic(subscription: TopicSubscription, target: EventTaker, client: SQSClient, onError: OnPollerError): Poller {
  const { queueUrl, subscriptionArn } = subscription;
  const stopped = stopper();
  const { signal } = stopped;
  const loops = Array.from({ length: target.environments }, async () => {
    while (!signal.aborted) {
      try {
        const { Messages = [] } = await client.send(new ReceiveMessageCommand({
          QueueUrl: queueUrl, MaxNumberOfMessages: MOST_MESSAGES_A_REQUEST, WaitTimeSeconds: LONGEST_POLL,
        }), { abortSignal: signal });
        if (Messages.length > 0) {
          const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
          await client.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
          await Promise.all(Messages.map((message) => target.invoke({ Records: [toRecord(message, subscriptionArn)] })));
        }
      } catch (error) {
        if (!signal.aborted) {
          onError(new Error(`The subscription ${subscriptionArn} cannot be delivered: ${(error as Error).message}`, { cause: error }));
          await pause(PAUSE_AFTER_ERROR, signal);
        }
      }
    }
  });
  return {
    stop: async () => {
      stopped.abort();
      await Promise.all(loops);
    },
  };
}

/** What SNS puts into a queue that takes messages with all that is said of them. */
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
  // The embedded server has made it, and nobody else sends there.
  const { SigningCertURL, UnsubscribeURL, MessageAttributes = {}, ...notification } = JSON.parse(Body) as Notification;
  return {
    EventVersion: '1.0',
    EventSubscriptionArn: subscriptionArn,
    EventSource: 'aws:sns',
    Sns: { ...notification, SigningCertUrl: SigningCertURL, UnsubscribeUrl: UnsubscribeURL, MessageAttributes },
  };
}
