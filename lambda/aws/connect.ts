import type { RetryQueue } from './broker';
import { lazyBrokers, type BrokerClients } from './brokers';
import { readDiscarded, type DiscardedRecords, type ShardReader, type StoredRecord } from './discarded-records';
import { createHttpHandler } from './dynamodb/http-handler';
import { refusesContent } from './refuses-content';
import { defaultSystem, NO_METRICS, type System } from './system';
import type { BrokerName } from '../contract/brokers';
import type {
  EventSourceConfiguration,
  RetryQueueConfiguration,
  WorkflowConfiguration,
} from '../contract/configuration';
import type {
  DeadLetterStore,
  Delivery,
  DueStore,
  Invocation,
  Outcome,
  Ports,
  RunningExecutions,
  Transport,
} from '../engine/ports';
import { within } from '../engine/within';
import { TraceCarrier } from './xray/tracer';

/** The resources of a workflow, ready to be used. */
export interface Connection {
  readonly ports: Ports;
  /** The retry queues that deliver nothing on their own: the timer sends their envelopes when they are due. */
  readonly dueStores: readonly DueStore[];
  /**
   * Sets when the queues redeliver the messages that could not be processed now. Ends before the deadline of the invocation; a message whose
   * time could not be set is redelivered after the visibility timeout of its queue.
   *
   * @param outcomes by the id of each delivery
   */
  scheduleRedeliveries(
    deliveries: readonly Delivery[],
    outcomes: ReadonlyMap<string, Outcome>,
    invocation: Invocation,
  ): Promise<void>;
  /** Reads records of a stream that Lambda has discarded, as long as the stream retains them. */
  readAgain(records: DiscardedRecords): Promise<readonly StoredRecord[]>;
  /** Closes all connections. */
  close(): void;
}

/** Time of an invocation that is reserved for its answer, in milliseconds. */
const ANSWER_RESERVE_MS = 300;

/**
 * Connects to the resources of a workflow. Sends no request, and loads only the clients of the services that the workflow uses: each folder
 * next to this file is one service, and the bundle has a chunk for each.
 */
export async function connect(
  configuration: WorkflowConfiguration,
  system: System = defaultSystem(),
): Promise<Connection> {
  const { deadLetterQueue, workflow } = configuration;
  const checkpointTable = { ...configuration.checkpointTable, workflow };
  const lockStore = { ...configuration.lockTable, workflow };
  const { metrics = NO_METRICS } = system;
  const clients = new ClientPool();
  const brokers = lazyBrokers(system, (open) => clients.lazy(open));
  const transports: BrokerClients = brokers;
  const elastiCache = clients.lazy(async () => new (await import('./elasticache/index.js')).ElastiCache(system));
  const dynamoDb = await brokers.dynamodb();

  const openEventSource = async <B extends BrokerName>(source: EventSourceConfiguration<B>): Promise<Transport> =>
    (await transports[source.service]()).eventSource(source, configuration);
  const openRetryQueue = async <B extends BrokerName>(queue: RetryQueueConfiguration<B>): Promise<RetryQueue> =>
    (await transports[queue.service]()).retryQueue(queue);

  const eventSources = [await openEventSource(configuration.eventSource)];
  if (configuration.failoverEventSource) eventSources.push(await openEventSource(configuration.failoverEventSource));
  const retryQueues: RetryQueue[] = [];
  for (const queue of configuration.retryQueues) retryQueues.push(await openRetryQueue(queue));
  const previousRetryQueues: RetryQueue[] = [];
  for (const queue of configuration.previousRetryQueues ?? []) previousRetryQueues.push(await openRetryQueue(queue));

  // Opened by the first dead letter: most executions of a workflow without SQS never need its client.
  const deadLetters: DeadLetterStore = {
    put: async (letter) => (await brokers.sqs()).deadLetterQueue(deadLetterQueue).put(letter),
  };

  const locks =
    lockStore.service === 'elasticache' ? (await elastiCache()).lockCache(lockStore) : dynamoDb.lockTable(lockStore);

  const running = async (): Promise<RunningExecutions> =>
    lockStore.service === 'elasticache'
      ? (await elastiCache()).runningExecutions(lockStore)
      : dynamoDb.runningExecutions(lockStore);

  return {
    ports: {
      eventSources,
      retryQueues,
      locks,
      running: configuration.maxRunningExecutions ? await running() : undefined,
      journal: dynamoDb.checkpointTable(checkpointTable),
      mailbox: dynamoDb.mailbox(checkpointTable),
      deadLetters,
      metrics,
      tracer: system.tracer ?? (configuration.tracing ? new TraceCarrier() : undefined),
      clock: system.clock,
      random: system.random,
      logger: system.logger,
      refusesContent,
    },
    dueStores: [...retryQueues, ...previousRetryQueues].filter((queue) => 'due' in queue),
    scheduleRedeliveries: async (deliveries, outcomes, { deadline }) => {
      if (![...outcomes.values()].some((outcome) => typeof outcome === 'object')) return;
      const sqs = await brokers.sqs();
      const scheduled = sqs.scheduleRedeliveries(configuration, system, deliveries, outcomes);
      await within(system.clock, deadline - ANSWER_RESERVE_MS, scheduled);
    },
    readAgain: async (records) => {
      const reader = await openShard(records, system);
      try {
        return await readDiscarded(records, reader);
      } finally {
        reader.close();
      }
    },
    close: () => clients.close(),
  };
}

/** Opened for each report: streams discard records rarely. */
async function openShard({ service, streamArn }: DiscardedRecords, system: System): Promise<ShardReader> {
  return service === 'kinesis'
    ? new (await import('./kinesis/shard-reader.js')).KinesisShardReader(system, createHttpHandler(), streamArn)
    : new (await import('./dynamodb/shard-reader.js')).DynamoDbShardReader(system, streamArn);
}

/** Opens clients on demand and closes all of them together. */
class ClientPool {
  private readonly opened: { close(): void }[] = [];

  /** @returns a function that opens the client on the first call */
  public lazy<Client extends { close(): void }>(open: () => Promise<Client>): () => Promise<Client> {
    let client: Promise<Client> | undefined;
    return () => {
      client ??= open().then((opened) => {
        this.opened.push(opened);
        return opened;
      });
      return client;
    };
  }

  public close(): void {
    this.opened.forEach((client) => client.close());
  }
}
