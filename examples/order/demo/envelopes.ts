import { NAMES, type Service } from './carriers';
import type { ExecutionDescription } from 'cdk-lambda-fsm/client';

/** What a workflow's configuration says of one of its transports: the service, and the name by which the journal knows it. */
interface Transport {
  readonly service: Service;
  readonly queueUrl?: string;
  readonly streamName?: string;
  readonly topicArn?: string;
  readonly tableName?: string;
}

/** What the demo reads of a workflow's configuration. */
export interface Configuration {
  readonly eventSource: Transport;
  readonly failoverEventSource?: Transport;
  readonly retryQueues: readonly Transport[];
  readonly checkpointTable: { readonly tableName: string };
}

/** How many envelopes a transport has taken, by the journal. Starts and events from outside are not in it. */
export interface Traffic {
  readonly role: 'event source' | 'failover' | 'retry queue' | 'failover of the retry queue';
  readonly service: Service;
  readonly envelopes: number;
}

/** Where the workflow has put its envelopes. */
export function trafficOf(descriptions: readonly ExecutionDescription[], configuration: Configuration): Traffic[] {
  const { eventSource, failoverEventSource, retryQueues: [retry, failoverRetry] } = configuration;
  const places = descriptions.flatMap(({ steps }) => steps.flatMap(({ attempts }) => attempts.flatMap(({ place }) => place ?? [])));
  const traffic = (role: Traffic['role'], transport: Transport | undefined): Traffic[] => {
    if (!transport) {
      return [];
    }
    // The DynamoDB event source is the checkpoint table.
    const { service, queueUrl, streamName, topicArn, tableName = configuration.checkpointTable.tableName } = transport;
    const resource = queueUrl ?? streamName ?? topicArn ?? tableName;
    return [{ role, service, envelopes: places.filter((place) => place.resource === resource).length }];
  };
  return [
    ...traffic('event source', eventSource), ...traffic('failover', failoverEventSource),
    ...traffic('retry queue', retry), ...traffic('failover of the retry queue', failoverRetry),
  ];
}

/** `SQS, the event source` */
export function titleOf({ service, role }: Traffic): string {
  return `${NAMES[service]}, the ${role}`;
}
