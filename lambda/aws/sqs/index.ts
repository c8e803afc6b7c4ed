import { DeadLetterQueue } from './dead-letter-queue';
import { SqsForClients } from './for-clients';
import { scheduleRedeliveries } from './redelivery';
import { SqsRetryQueue } from './retry-queue';
import type { QueueConfiguration, WorkflowConfiguration } from '../../contract/configuration';
import type { Clock, Delivery, Outcome } from '../../engine/ports';
import type { Logger } from '../../machine';
import type { BrokerClient } from '../broker';

/** The SQS queues of a workflow, over one client. */
export class Sqs extends SqsForClients implements BrokerClient<'sqs'> {
  public retryQueue(queue: QueueConfiguration): SqsRetryQueue {
    return new SqsRetryQueue(this.client, queue, this.system);
  }

  /** See {@link scheduleRedeliveries}. */
  public scheduleRedeliveries(
    workflow: WorkflowConfiguration,
    system: { readonly clock: Clock; readonly logger: Logger },
    deliveries: readonly Delivery[],
    outcomes: ReadonlyMap<string, Outcome>,
  ): Promise<void> {
    return scheduleRedeliveries(this.client, workflow, system, deliveries, outcomes);
  }

  public deadLetterQueue({ queueUrl }: QueueConfiguration): DeadLetterQueue {
    return new DeadLetterQueue(this.client, queueUrl, this.system);
  }

  /** Closes the connections. */
  public close(): void {
    this.client.destroy();
  }
}
