import type { SQSClient } from '@aws-sdk/client-sqs';
import { MAX_BATCH_ENTRIES, MAX_BODY_BYTES, MAX_DELAY_SECONDS, MAX_MESSAGE_BYTES } from './limits';
import { sendBatch } from './send-batch';
import type { Clock, Dispatch, Sent, Transport } from '../../engine/ports';

/**
 * A standard SQS queue as a retry queue: it holds an envelope back until its `notBefore`, but for 15 minutes at most. Whoever gets it
 * then, sees that it is early and sends it round once more.
 */
export class RetryQueue implements Transport {
  public readonly name = 'sqs';
  public readonly maxBatchEntries = MAX_BATCH_ENTRIES;
  public readonly maxBatchBytes = MAX_MESSAGE_BYTES;
  public readonly maxBodyBytes = MAX_BODY_BYTES;
  public readonly longestDelay = MAX_DELAY_SECONDS * 1_000;

  constructor(
    private readonly client: SQSClient,
    private readonly queue: { readonly queueUrl: string },
    private readonly system: { readonly clock: Clock },
  ) {}

  public send(dispatches: readonly Dispatch[]): Promise<readonly Sent[]> {
    const now = this.system.clock.now();
    return sendBatch(this.client, this.queue.queueUrl, dispatches, ({ envelope }) => {
      const seconds = Math.ceil(((envelope.notBefore ?? now) - now) / 1_000);
      return { DelaySeconds: Math.min(Math.max(seconds, 0), MAX_DELAY_SECONDS) };
    });
  }
}
