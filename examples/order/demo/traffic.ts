import { NAMES, type Service } from './carriers';
import type { ExecutionDescription } from 'cdk-lambda-fsm/client';

/** The part of a transport's configuration that the demo reads: the service, and the resource as the journal names it. */
interface Transport {
  readonly service: Service;
  readonly queueUrl?: string;
  readonly streamName?: string;
  readonly topicArn?: string;
  readonly tableName?: string;
}

/** The part of a workflow's configuration that the demo reads. */
export interface Configuration {
  readonly eventSource: Transport;
  readonly failoverEventSource?: Transport;
  readonly retryQueues: readonly Transport[];
  readonly checkpointTable: { readonly tableName: string };
}

/** The number of envelopes that the workflow put into a transport, by the journal. The envelopes of clients are not in the journal. */
export interface Traffic {
  readonly role: 'event source' | 'failover' | 'retry queue' | 'failover of the retry queue';
  readonly service: Service;
  readonly envelopes: number;
}

export function trafficOf(descriptions: readonly ExecutionDescription[], configuration: Configuration): Traffic[] {
  const {
    eventSource,
    failoverEventSource,
    retryQueues: [retry, failoverRetry],
  } = configuration;
  const places = descriptions.flatMap(({ steps }) =>
    steps.flatMap(({ attempts }) => attempts.flatMap(({ place }) => place ?? [])),
  );
  const traffic = (role: Traffic['role'], transport: Transport | undefined): Traffic[] => {
    if (!transport) return [];
    // The DynamoDB event source is the checkpoint table.
    const { service, queueUrl, streamName, topicArn, tableName = configuration.checkpointTable.tableName } = transport;
    const resource = queueUrl ?? streamName ?? topicArn ?? tableName;
    return [{ role, service, envelopes: places.filter((place) => place.resource === resource).length }];
  };
  return [
    ...traffic('event source', eventSource),
    ...traffic('failover', failoverEventSource),
    ...traffic('retry queue', retry),
    ...traffic('failover of the retry queue', failoverRetry),
  ];
}

/** `SQS (event source)` */
export function titleOf({ service, role }: Traffic): string {
  return `${NAMES[service]} (${role})`;
}
