import type { SQSClient } from '@aws-sdk/client-sqs';
import { MAX_BATCH_ENTRIES, MAX_BODY_BYTES, MAX_MESSAGE_BYTES } from './limits';
import { sendBatch, type EntryOptions } from './send-batch';
import type { Dispatch, Random, Sent, Transport } from '../../engine/ports';

/**
 * An SQS queue as an event source.
 *
 * In a FIFO queue the messages of one execution are one group. The deduplication id is new with every send, not made from the
 * envelope: it keeps the SDK from storing a message twice when it repeats a request, and nothing more. For five minutes a queue drops
 * what comes under an id that it has seen, even if that message was consumed long ago, and an envelope is rightly sent again within that
 * time when it comes back from a retry queue or is redriven.
 */
export class QueueEventSource implements Transport {
  public readonly name = 'sqs';
  public readonly maxBatchEntries = MAX_BATCH_ENTRIES;
  public readonly maxBatchBytes = MAX_MESSAGE_BYTES;
  public readonly maxBodyBytes = MAX_BODY_BYTES;
  public readonly longestDelay = 0;

  constructor(
    private readonly client: SQSClient,
    private readonly queue: { readonly queueUrl: string; readonly fifo?: boolean },
    private readonly system: { readonly random: Random },
  ) {}

  public send(dispatches: readonly Dispatch[]): Promise<readonly Sent[]> {
    return sendBatch(this.client, this.queue.queueUrl, dispatches, (dispatch) => this.optionsOf(dispatch));
  }

  private optionsOf({ envelope }: Dispatch): EntryOptions {
    return this.queue.fifo ? { MessageGroupId: envelope.executionId, MessageDeduplicationId: this.system.random.id() } : {};
  }
}
