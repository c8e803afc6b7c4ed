import { ChangeMessageVisibilityBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { MAX_BATCH_ENTRIES, MAX_VISIBILITY_SECONDS } from './limits';
import { findQueue } from './queues';
import type { WorkflowConfiguration } from '../../contract/configuration';
import type { Clock, Delivery, Outcome } from '../../engine/ports';
import type { Logger } from '../../machine';
import { toError } from '../../machine/to-error';
import { slices } from '../batches/slices';

interface Redelivery {
  readonly queueUrl: string;
  readonly receipt: string;
  readonly seconds: number;
}

/**
 * Sets when the queues redeliver the messages that could not be processed now. Otherwise a message stays hidden for the visibility timeout of
 * its queue, which is longer than an invocation.
 *
 * A message whose timeout could not be changed is redelivered after the visibility timeout of its queue.
 *
 * @param outcomes by the id of each delivery
 */
export async function scheduleRedeliveries(
  client: SQSClient,
  workflow: WorkflowConfiguration,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  deliveries: readonly Delivery[],
  outcomes: ReadonlyMap<string, Outcome>,
): Promise<void> {
  const now = clock.now();
  const redeliveries = deliveries.flatMap(({ id, receipt }): Redelivery[] => {
    const outcome = outcomes.get(id);
    if (typeof outcome !== 'object' || receipt === undefined) return [];
    const seconds = Math.min(Math.max(Math.ceil((outcome.redeliverAt - now) / 1_000), 0), MAX_VISIBILITY_SECONDS);
    return [{ queueUrl: findQueue(workflow, receipt.queue).queueUrl, receipt: receipt.handle, seconds }];
  });
  const requests = slices(redeliveries, MAX_BATCH_ENTRIES).map(async (batch) => {
    // Lambda delivers the messages of one queue at a time.
    const [first] = batch;
    const { Failed = [] } = await client.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl: first?.queueUrl,
        Entries: batch.map(({ receipt, seconds }, index) => ({
          Id: String(index),
          ReceiptHandle: receipt,
          VisibilityTimeout: seconds,
        })),
      }),
    );
    const [failure] = Failed;
    if (failure) throw new Error(`${failure.Code}: ${failure.Message ?? 'no message'}`);
  });
  const failed = (await Promise.allSettled(requests)).find((result) => result.status === 'rejected');
  if (failed) {
    logger.warn(
      `Messages are redelivered only after the visibility timeout of their queue: ${toError(failed.reason).message}`,
    );
  }
}
