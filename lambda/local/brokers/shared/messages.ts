import { DeleteMessageBatchCommand, ReceiveMessageCommand, type Message, type SQSClient } from '@aws-sdk/client-sqs';

/** Maximum number of messages in one request. @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const MAX_MESSAGES_PER_REQUEST = 10;
/** Maximum time that Amazon SQS lets a request wait for a message, in seconds. */
const MAX_WAIT_SECONDS = 20;

/**
 * Receives messages in one request. It waits for the first message.
 *
 * @param limits `messages`: maximum number of messages; `waitSeconds`: maximum time to wait, by default 20 s
 */
export async function receiveMessages(
  client: SQSClient,
  queueUrl: string,
  limits: { readonly messages: number; readonly waitSeconds?: number },
  signal: AbortSignal,
): Promise<readonly Message[]> {
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: Math.min(MAX_MESSAGES_PER_REQUEST, limits.messages),
      WaitTimeSeconds: Math.min(MAX_WAIT_SECONDS, limits.waitSeconds ?? MAX_WAIT_SECONDS),
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    }),
    { abortSignal: signal },
  );
  return Messages;
}

/** Deletes messages. */
export async function deleteMessages(client: SQSClient, queueUrl: string, messages: readonly Message[]): Promise<void> {
  for (let start = 0; start < messages.length; start += MAX_MESSAGES_PER_REQUEST) {
    await client.send(
      new DeleteMessageBatchCommand({
        QueueUrl: queueUrl,
        Entries: messages
          .slice(start, start + MAX_MESSAGES_PER_REQUEST)
          .map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
      }),
    );
  }
}
