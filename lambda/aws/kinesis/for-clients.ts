import { KinesisClient, type KinesisClientConfig } from '@aws-sdk/client-kinesis';
import { CLIENT_OPTIONS } from '../client-options';
import { KinesisEventSource } from './event-source';
import type { StreamConfiguration } from '../../contract/configuration';
import type { BrokerSystem, ClientBroker } from '../broker';
import { prepareClient } from '../prepare-client';

/** The Kinesis data streams of a workflow as its clients use them, over one client of the SDK. */
export class KinesisForClients implements ClientBroker<'kinesis'> {
  protected readonly client: KinesisClient;

  /**
   * @param requestHandler a handler for HTTP/1.1. The default handler of this client speaks HTTP/2, which ignores the timeouts of
   * {@link CLIENT_OPTIONS}
   */
  constructor(
    protected readonly system: BrokerSystem,
    requestHandler: KinesisClientConfig['requestHandler'],
  ) {
    this.client = prepareClient(new KinesisClient({ ...CLIENT_OPTIONS, region: system.region, requestHandler }));
  }

  public eventSource({ streamName }: StreamConfiguration): KinesisEventSource {
    return new KinesisEventSource(this.client, streamName, this.system);
  }
}
