import { SendMessageBatchCommand, type SendMessageBatchRequestEntry, type SQSClient } from '@aws-sdk/client-sqs';
import { MAX_BATCH_ENTRIES } from './limits';
import { escapeNoncharacters } from '../../engine/envelope/escape-noncharacters';
import type { OutgoingEnvelope, DispatchResult } from '../../engine/ports';
import { resultsById } from '../batches/results-by-id';
import { sendBatch } from '../batches/send-batch';

/** The members of an entry other than its body. */
export type EntryOptions = Pick<
  SendMessageBatchRequestEntry,
  'DelaySeconds' | 'MessageGroupId' | 'MessageDeduplicationId'
>;

/** The errors with which SQS refuses the whole batch because of one message. */
const REFUSALS = ['BatchRequestTooLong', 'InvalidMessageContents', 'InvalidParameterValue'];

/**
 * Sends envelopes in one request.
 *
 * @returns the result of each envelope, in order
 * @throws the error of the SDK if no result is known
 * @throws RangeError if there are more envelopes than one request may have
 */
export async function sendMessages(
  client: SQSClient,
  queueUrl: string,
  dispatches: readonly OutgoingEnvelope[],
  optionsOf: (dispatch: OutgoingEnvelope) => EntryOptions,
): Promise<readonly DispatchResult[]> {
  const messages = dispatches.map((dispatch, index): SendMessageBatchRequestEntry => ({
    Id: String(index),
    MessageBody: escapeNoncharacters(dispatch.body),
    ...optionsOf(dispatch),
  }));
  return sendBatch(messages, {
    maxEntries: MAX_BATCH_ENTRIES,
    isRefusal: ({ name }) => REFUSALS.includes(name),
    send: async (entries) => {
      const output = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: [...entries] }));
      return resultsById(entries, output, { service: 'sqs', resource: queueUrl });
    },
  });
}
