import type { SQSClient } from '@aws-sdk/client-sqs';
import { MAX_BATCH_ENTRIES, MAX_BODY_BYTES, MAX_DELAY_SECONDS, MAX_MESSAGE_BYTES } from './limits';
import { sendMessages } from './send-messages';
import type { QueueConfiguration } from '../../contract/configuration';
import type { Clock, OutgoingEnvelope, DispatchResult, Transport } from '../../engine/ports';

/**
 * A standard SQS queue as a retry queue. It delays an envelope until its `notBefore`, for at most 15 minutes. The engine sends an envelope
 * that arrives early to the retry queue again.
 */
export class SqsRetryQueue implements Transport {
  public readonly name = 'sqs';
  public readonly maxBatchEntries = MAX_BATCH_ENTRIES;
  public readonly maxBatchBytes = MAX_MESSAGE_BYTES;
  public readonly maxBodyBytes = MAX_BODY_BYTES;
  public readonly longestDelay = MAX_DELAY_SECONDS * 1_000;

  constructor(
    private readonly client: SQSClient,
    private readonly queue: QueueConfiguration,
    private readonly system: { readonly clock: Clock },
  ) {}

  public send(dispatches: readonly OutgoingEnvelope[]): Promise<readonly DispatchResult[]> {
    const now = this.system.clock.now();
    return sendMessages(this.client, this.queue.queueUrl, dispatches, ({ envelope }) => {
      const seconds = Math.ceil(((envelope.notBefore ?? now) - now) / 1_000);
      return { DelaySeconds: Math.min(Math.max(seconds, 0), MAX_DELAY_SECONDS) };
    });
  }
}
