import { KinesisForClients } from './for-clients';
import { KinesisRetryQueue } from './retry-queue';
import type { StreamConfiguration } from '../../contract/configuration';
import type { BrokerClient } from '../broker';

/** The Kinesis data streams of a workflow, over one client. */
export class Kinesis extends KinesisForClients implements BrokerClient<'kinesis'> {
  public retryQueue({ streamName }: StreamConfiguration): KinesisRetryQueue {
    return new KinesisRetryQueue(this.client, streamName, this.system);
  }

  /** Closes the connections. */
  public close(): void {
    this.client.destroy();
  }
}
