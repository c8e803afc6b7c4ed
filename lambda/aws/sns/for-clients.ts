import { SNSClient } from '@aws-sdk/client-sns';
import { CLIENT_OPTIONS } from '../client-options';
import { SnsEventSource } from './event-source';
import type { TopicConfiguration } from '../../contract/configuration';
import type { BrokerSystem, ClientBroker } from '../broker';
import { prepareClient } from '../prepare-client';

/** The SNS topics of a workflow as its clients use them, over one client of the SDK. */
export class SnsForClients implements ClientBroker<'sns'> {
  protected readonly client;

  constructor({ region }: Pick<BrokerSystem, 'region'> = {}) {
    this.client = prepareClient(new SNSClient({ ...CLIENT_OPTIONS, region }));
  }

  public eventSource({ topicArn }: TopicConfiguration): SnsEventSource {
    return new SnsEventSource(this.client, topicArn);
  }
}
