import type { SNSEvent } from 'aws-lambda';
import type { RecordReader } from '../broker';

/**
 * SNS has no event source mapping: it invokes the function asynchronously. Lambda discards such an invocation after three failures within
 * minutes, so records are `blocking`: an envelope that must wait goes to the retry queue instead.
 */
export const SNS_RECORDS: RecordReader = {
  reportsFailures: false,
  deliveries: ({ Records }: SNSEvent) =>
    Records.map(({ Sns: { MessageId, Message, TopicArn } }) => ({
      id: MessageId,
      body: Message,
      place: { service: 'sns', resource: TopicArn, messageId: MessageId },
      blocking: true,
      ordered: false,
    })),
};
