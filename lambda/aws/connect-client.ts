import type { ClientBroker } from './broker';
import { DynamoDbForClients } from './dynamodb/for-clients';
import type { BrokerName } from '../contract/brokers';
import type {
  EventSourceConfiguration,
  RetryQueueConfiguration,
  WorkflowConfiguration,
} from '../contract/configuration';
import { createHttpHandler } from './dynamodb/http-handler';
import { MAX_RETRY_BYTES } from './dynamodb/item';
import { connectorOf, type LockCacheAdapter } from './lock-cache-adapter';
import { MAX_MESSAGE_BYTES } from './sns/limits';
import { MAX_BODY_BYTES } from './sqs/limits';
import { defaultSystem, NO_METRICS, type System } from './system';
import { ServiceClock } from '../engine/executions/service-clock';
import type { Carrier, ClientLockStore, ClientPorts, Transport } from '../engine/ports';
import { TraceCarrier } from './xray/tracer';

/**
 * Connects a client to the resources of a workflow. Sends no request, and loads only the clients of the services that the workflow uses.
 *
 * A client never holds a lease, dead-letters or receives. It thus needs less of each service than the function, which {@link connect} serves.
 *
 * @param lockCache opens a lock cache. It is passed in rather than imported, so that the bundles of most clients do not contain it
 * @throws LockCacheAdapterMissingError if the workflow has a lock cache, and none is given
 */
export async function connectClient(
  configuration: WorkflowConfiguration,
  systemOfClient: System = defaultSystem(),
  lockCache?: LockCacheAdapter,
): Promise<ClientPorts> {
  const { workflow } = configuration;
  const checkpointTable = { ...configuration.checkpointTable, workflow };
  const lockStore = { ...configuration.lockTable, workflow };
  const clock = new ServiceClock(systemOfClient.clock);
  const system = { ...systemOfClient, clock, region: configuration.region };
  const dynamoDb = new DynamoDbForClients(system, clock);
  const brokers: { readonly [B in BrokerName]: () => Promise<ClientBroker<B>> } = {
    sqs: async () => new (await import('./sqs/for-clients.js')).SqsForClients(system),
    kinesis: once(
      async () => new (await import('./kinesis/for-clients.js')).KinesisForClients(system, createHttpHandler()),
    ),
    sns: async () => new (await import('./sns/for-clients.js')).SnsForClients(system),
    dynamodb: async () => dynamoDb,
  };
  /** A client sends to no retry queue, but the queues limit the size of envelopes, and a stream can be read. */
  const retryQueues: {
    readonly [B in BrokerName]: (queue: RetryQueueConfiguration<B>) => Carrier | Promise<Carrier>;
  } = {
    sqs: () => ({ name: 'sqs', maxBodyBytes: MAX_BODY_BYTES }),
    kinesis: async (stream) => (await brokers.kinesis()).eventSource(stream, configuration),
    sns: () => ({ name: 'sns', maxBodyBytes: MAX_MESSAGE_BYTES }),
    dynamodb: () => ({ name: 'dynamodb', maxBodyBytes: MAX_RETRY_BYTES }),
  };
  const openEventSource = async <B extends BrokerName>(source: EventSourceConfiguration<B>): Promise<Transport> =>
    (await brokers[source.service]()).eventSource(source, configuration);
  const openRetryQueue = async <B extends BrokerName>(queue: RetryQueueConfiguration<B>): Promise<Carrier> =>
    retryQueues[queue.service](queue);

  const sources = [configuration.eventSource, configuration.failoverEventSource].filter(
    (source) => source !== undefined,
  );
  const locks: ClientLockStore =
    lockStore.service === 'dynamodb'
      ? dynamoDb.lockTable(lockStore)
      : connectorOf(workflow, lockCache).open(lockStore, system);
  return {
    eventSources: await Promise.all(sources.map((source) => openEventSource(source))),
    retryQueues: await Promise.all(configuration.retryQueues.map((queue) => openRetryQueue(queue))),
    locks,
    journal: dynamoDb.checkpointTable(checkpointTable),
    mailbox: dynamoDb.mailbox(checkpointTable),
    metrics: system.metrics ?? NO_METRICS,
    tracer: system.tracer ?? (configuration.tracing ? new TraceCarrier() : undefined),
    clock: system.clock,
    random: system.random,
    logger: system.logger,
  };
}

/** An event source and a retry queue share one client. */
function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  return () => (opened ??= open());
}
