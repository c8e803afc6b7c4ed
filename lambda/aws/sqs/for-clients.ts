import { SQSClient } from '@aws-sdk/client-sqs';
import { SqsEventSource } from './event-source';
import type { SqsEventSourceConfiguration } from '../../contract/configuration';
import type { BrokerSystem, ClientBroker } from '../broker';
import { CLIENT_OPTIONS } from '../client-options';
import { prepareClient } from '../prepare-client';

/** The SQS queues of a workflow as its clients use them, over one client of the SDK. */
export class SqsForClients implements ClientBroker<'sqs'> {
  // By default, the client connects to the host of the queue's URL, which ignores the endpoint that the environment configures.
  protected readonly client;

  constructor(protected readonly system: BrokerSystem) {
    const { region } = system;
    this.client = prepareClient(new SQSClient({ ...CLIENT_OPTIONS, region, useQueueUrlAsEndpoint: false }));
  }

  public eventSource(queue: SqsEventSourceConfiguration): SqsEventSource {
    return new SqsEventSource(this.client, queue, this.system);
  }
}
