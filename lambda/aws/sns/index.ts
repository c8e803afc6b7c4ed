import { SnsForClients } from './for-clients';
import { SnsRetryQueue } from './retry-queue';
import type { TopicConfiguration } from '../../contract/configuration';
import type { BrokerClient } from '../broker';

/** The SNS topics of a workflow, over one client. */
export class Sns extends SnsForClients implements BrokerClient<'sns'> {
  public retryQueue({ topicArn }: TopicConfiguration): SnsRetryQueue {
    return new SnsRetryQueue(this.client, topicArn);
  }

  /** Closes the connections. */
  public close(): void {
    this.client.destroy();
  }
}
