import type { SQSClient } from '@aws-sdk/client-sqs';
import { MAX_BATCH_ENTRIES, MAX_BODY_BYTES, MAX_MESSAGE_BYTES } from './limits';
import { sendMessages, type EntryOptions } from './send-messages';
import type { SqsEventSourceConfiguration } from '../../contract/configuration';
import type { OutgoingEnvelope, Random, DispatchResult, Transport } from '../../engine/ports';

/**
 * An SQS queue as an event source.
 *
 * In a FIFO queue, the messages of one execution form a message group. Each send has a new deduplication id, which only keeps the SDK from
 * storing a message twice when it retries the request. An id derived from the envelope would lose messages: for five minutes, a queue drops
 * messages with an id that it has seen, even if that message was consumed, and an envelope that returns from a retry queue or is redriven
 * is legitimately sent again within that time.
 */
export class SqsEventSource implements Transport {
  public readonly name = 'sqs';
  public readonly maxBatchEntries = MAX_BATCH_ENTRIES;
  public readonly maxBatchBytes = MAX_MESSAGE_BYTES;
  public readonly maxBodyBytes = MAX_BODY_BYTES;

  constructor(
    private readonly client: SQSClient,
    private readonly queue: SqsEventSourceConfiguration,
    private readonly system: { readonly random: Random },
  ) {}

  public send(dispatches: readonly OutgoingEnvelope[]): Promise<readonly DispatchResult[]> {
    return sendMessages(this.client, this.queue.queueUrl, dispatches, (dispatch) => this.optionsOf(dispatch));
  }

  private optionsOf({ envelope }: OutgoingEnvelope): EntryOptions {
    return this.queue.fifo
      ? { MessageGroupId: envelope.executionId, MessageDeduplicationId: this.system.random.id() }
      : {};
  }
}
