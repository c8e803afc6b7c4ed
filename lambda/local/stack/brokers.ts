import { BROKER_NAMES, type BrokerName } from '../../contract/brokers';
import { readTableTrigger } from '../brokers/dynamodb/poller';
import { createTables } from '../brokers/dynamodb/resource';
import { readKinesisTrigger } from '../brokers/kinesis/poller';
import { createStreams } from '../brokers/kinesis/resource';
import type { EventSources, LocalBroker, ResourceClients } from '../brokers/shared/broker';
import { readTopicTrigger } from '../brokers/sns/poller';
import { createTopics } from '../brokers/sns/resource';
import { readQueueTrigger } from '../brokers/sqs/poller';
import { createQueues } from '../brokers/sqs/resource';
import type { Template } from '../template/template';

/** The local implementation of each broker. The compiler requires an entry for every broker. */
export const BROKERS: Readonly<Record<BrokerName, LocalBroker>> = {
  sqs: { createResources: createQueues, readTrigger: readQueueTrigger },
  kinesis: { createResources: createStreams, readTrigger: readKinesisTrigger },
  sns: { createResources: createTopics, readTrigger: readTopicTrigger },
  dynamodb: { createResources: createTables, readTrigger: readTableTrigger },
};

/** The event sources of a stack, by broker. */
export type Resources = Readonly<Record<BrokerName, EventSources>>;

/**
 * Creates the tables, queues, streams and topics of a stack, and registers them in the template. Tables in a database file are reused.
 *
 * @throws Error if the template requires something that the embedded servers do not support
 */
export async function createResources(template: Template, clients: ResourceClients): Promise<Resources> {
  const resources: Record<BrokerName, EventSources> = {
    sqs: new Map(),
    kinesis: new Map(),
    sns: new Map(),
    dynamodb: new Map(),
  };
  // One after the other, and queues before the topics that deliver to them, as BROKER_NAMES lists them.
  for (const name of BROKER_NAMES) {
    resources[name] = await BROKERS[name].createResources(template, clients);
  }
  return resources;
}
