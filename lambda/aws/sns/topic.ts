import { PublishBatchCommand, type PublishBatchRequestEntry, type SNSClient } from '@aws-sdk/client-sns';
import { MAX_BATCH_ENTRIES, MAX_MESSAGE_BYTES } from './limits';
import type { Dispatch, Sent, Transport } from '../../engine/ports';
import { escapeNoncharacters } from '../escape-noncharacters';
import { sendWhole } from '../send-whole';

/** What makes SNS refuse the whole batch for the fault of one entry. */
const REFUSALS = ['BatchRequestTooLong', 'InvalidParameter', 'InvalidParameterValue'];

/** SNS took the batch, but not this message of it. */
export class MessageFailedError extends Error {
  public override readonly name = 'MessageFailedError';

  constructor(code: string | undefined, message: string | undefined) {
    super(`SNS did not take the message: ${[code, message].filter(Boolean).join(': ')}`);
  }
}

/** A standard SNS topic, as an event source or as a retry queue that holds nothing back. */
export class Topic implements Transport {
  public readonly name = 'sns';
  public readonly maxBatchEntries = MAX_BATCH_ENTRIES;
  public readonly maxBatchBytes = MAX_MESSAGE_BYTES;
  public readonly maxBodyBytes = MAX_MESSAGE_BYTES;
  public readonly longestDelay = 0;

  constructor(private readonly client: SNSClient, private readonly topicArn: string) {}

  public async send(dispatches: readonly Dispatch[]): Promise<readonly Sent[]> {
    if (dispatches.length > MAX_BATCH_ENTRIES) {
      throw new RangeError(`A batch takes at most ${MAX_BATCH_ENTRIES} entries, but has ${dispatches.length}.`);
    }
    const entries = dispatches.map(({ body }, index) => ({ Id: String(index), Message: escapeNoncharacters(body) }));
    return sendWhole(entries, isRefusal, (some) => this.publish(some));
  }

  private async publish(entries: readonly PublishBatchRequestEntry[]): Promise<readonly Sent[]> {
    const { Successful = [], Failed = [] } = await this.client.send(
      new PublishBatchCommand({ TopicArn: this.topicArn, PublishBatchRequestEntries: [...entries] }),
    );
    const answers = new Map<string | undefined, Sent>();
    for (const { Id, MessageId } of Successful) {
      answers.set(Id, { ok: true, journaled: false, place: { service: 'sns', resource: this.topicArn, messageId: MessageId } });
    }
    for (const { Id, Code, Message } of Failed) {
      answers.set(Id, { ok: false, error: new MessageFailedError(Code, Message) });
    }
    return entries.map(({ Id }) => answers.get(Id) ?? { ok: false, error: new MessageFailedError(undefined, 'it has not answered for it.') });
  }
}

/** The SDK names most errors as the service does, and adds a word to some. */
function isRefusal({ name }: Error): boolean {
  return REFUSALS.includes(name.replace(/Exception$/, ''));
}
