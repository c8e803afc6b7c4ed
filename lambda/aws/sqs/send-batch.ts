import { SendMessageBatchCommand, type SendMessageBatchRequestEntry, type SQSClient } from '@aws-sdk/client-sqs';
import { MAX_BATCH_ENTRIES } from './limits';
import type { Dispatch, Sent } from '../../engine/ports';
import { escapeNoncharacters } from '../escape-noncharacters';
import { sendWhole } from '../send-whole';

/** What an entry has beside its body. */
export type EntryOptions = Pick<SendMessageBatchRequestEntry, 'DelaySeconds' | 'MessageGroupId' | 'MessageDeduplicationId'>;

/** SQS took the batch, but not this entry of it. */
export class EntryFailedError extends Error {
  public override readonly name = 'EntryFailedError';

  constructor(code: string | undefined, message: string | undefined) {
    super(`SQS did not take the message: ${[code, message].filter(Boolean).join(': ')}`);
  }
}

/** What makes SQS refuse the whole batch for the fault of one entry. */
const REFUSALS = ['BatchRequestTooLong', 'InvalidMessageContents', 'InvalidParameterValue'];

/**
 * Sends envelopes in one request.
 *
 * @returns entry by entry, in order, what became of it
 * @throws what the SDK throws when nothing is known of any of them; RangeError when there are more entries than one request takes
 */
export async function sendBatch(
  client: SQSClient,
  queueUrl: string,
  dispatches: readonly Dispatch[],
  optionsOf: (dispatch: Dispatch) => EntryOptions,
): Promise<readonly Sent[]> {
  if (dispatches.length > MAX_BATCH_ENTRIES) {
    throw new RangeError(`A batch takes at most ${MAX_BATCH_ENTRIES} entries, but has ${dispatches.length}.`);
  }
  const entries = dispatches.map((dispatch, index) => ({
    Id: String(index),
    MessageBody: escapeNoncharacters(dispatch.body),
    ...optionsOf(dispatch),
  }));
  return sendWhole(entries, ({ name }) => REFUSALS.includes(name), (some) => request(client, queueUrl, some));
}

async function request(client: SQSClient, queueUrl: string, entries: readonly SendMessageBatchRequestEntry[]): Promise<readonly Sent[]> {
  const { Successful = [], Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: [...entries] }));
  const answers = new Map<string | undefined, Sent>();
  for (const { Id, MessageId } of Successful) {
    answers.set(Id, { ok: true, journaled: false, place: { service: 'sqs', resource: queueUrl, messageId: MessageId } });
  }
  for (const { Id, Code, Message } of Failed) {
    answers.set(Id, { ok: false, error: new EntryFailedError(Code, Message) });
  }
  return entries.map(({ Id }) => answers.get(Id) ?? { ok: false, error: unanswered() });
}

function unanswered(): Error {
  return new EntryFailedError(undefined, 'it has not answered for it.');
}
