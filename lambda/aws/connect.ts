import { FailoverLockStore } from '../engine/failover-lock-store';
import { DEFAULT_OPTIONS } from '../engine/options';
import type { Clock, DeadLetterStore, DueStore, Metrics, Ports, Random, RunningExecutions, Tracer, Transport } from '../engine/ports';
import type { Logger } from '../machine';
import { EmbeddedMetrics } from './cloudwatch/embedded-metrics';
import type { EventSourceConfiguration, WorkflowConfiguration } from './configuration';
import { DynamoDb } from './dynamodb';
import type { ElastiCache } from './elasticache';
import type { Kinesis } from './kinesis';
import type { Sns } from './sns';
import type { Sqs } from './sqs';
import { jsonLogger, systemClock, systemRandom } from './system';
import { TraceCarrier } from './xray/tracer';

/** What is not AWS's. */
export interface System {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** @default - written to the standard output in the embedded metric format of CloudWatch */
  readonly metrics?: Metrics;
  /** @default - executions go on in the trace of what starts them, if the workflow is traced */
  readonly tracer?: Tracer;
}

/** A workflow's resources, ready to be used. */
export interface Connection {
  readonly ports: Ports;
  /** Those of the retry queues from which nothing is delivered by itself: a timer must ask them what is due. */
  readonly dueStores: readonly DueStore[];
  /** Closes all connections. */
  close(): void;
}

/**
 * Connects to the resources of a workflow. No request is made, and only the clients of those services are loaded that the workflow uses:
 * each folder beside this file is one service, and the bundle has a chunk for each.
 */
export async function connect(configuration: WorkflowConfiguration, system: System = defaultSystem()): Promise<Connection> {
  const services = new Services(system);
  const { checkpointTable, lockTable, failoverLockTable, deadLetterQueue, workflow } = configuration;
  const dynamoDb = services.dynamoDb();
  const dueStores: DueStore[] = [];

  const eventSource = async (source: EventSourceConfiguration): Promise<Transport> => {
    switch (source.service) {
      case 'sqs':
        return (await services.sqs()).eventSource(source);
      case 'dynamodb':
        return dynamoDb.eventSource(checkpointTable);
      case 'kinesis':
        return (await services.kinesis()).stream(source);
      case 'sns':
        return (await services.sns()).topic(source);
    }
  };
  const eventSources = [await eventSource(configuration.eventSource)];
  if (configuration.failoverEventSource) {
    eventSources.push(await eventSource(configuration.failoverEventSource));
  }

  const retryQueues: Transport[] = [];
  for (const queue of configuration.retryQueues) {
    switch (queue.service) {
      case 'sqs':
        retryQueues.push((await services.sqs()).retryQueue(queue));
        break;
      case 'dynamodb': {
        const table = dynamoDb.retryTable(queue);
        retryQueues.push(table);
        dueStores.push(table);
        break;
      }
      case 'kinesis':
        retryQueues.push((await services.kinesis()).stream(queue));
        break;
      case 'sns':
        retryQueues.push((await services.sns()).topic(queue));
        break;
    }
  }

  // Most executions of a workflow without SQS never need its client.
  const deadLetters: DeadLetterStore = {
    put: async (letter) => (await services.sqs()).deadLetterQueue(deadLetterQueue).put(letter),
  };

  const locks = lockTable.service === 'elasticache' ? (await services.elastiCache()).lockCache(lockTable) : dynamoDb.lockTable(lockTable);

  const running = async (): Promise<RunningExecutions> => (
    lockTable.service === 'elasticache' ? (await services.elastiCache()).runningExecutions(lockTable) : dynamoDb.runningExecutions(lockTable)
  );

  const metrics = system.metrics ?? new EmbeddedMetrics(workflow, system.clock);

  return {
    ports: {
      eventSources,
      retryQueues,
      locks: failoverLockTable
        ? new FailoverLockStore(locks, dynamoDb.lockTable(failoverLockTable), longestLease(configuration), { ...system, metrics })
        : locks,
      running: configuration.maxRunningExecutions ? await running() : undefined,
      journal: dynamoDb.checkpointTable(checkpointTable),
      mailbox: dynamoDb.mailbox(checkpointTable),
      deadLetters,
      metrics,
      tracer: system.tracer ?? (configuration.tracing ? new TraceCarrier() : undefined),
      clock: system.clock,
      random: system.random,
      logger: system.logger,
    },
    dueStores,
    close: () => services.close(),
  };
}

/** In milliseconds. */
function longestLease({ functionTimeoutSeconds = 900 }: WorkflowConfiguration): number {
  return functionTimeoutSeconds * 1_000 + DEFAULT_OPTIONS.clockSkew;
}

export function defaultSystem(): System {
  return { clock: systemClock, random: systemRandom, logger: jsonLogger() };
}

/** The services, each loaded when it is first asked for. */
class Services {
  private loadedSqs?: Promise<Sqs>;
  private loadedKinesis?: Promise<Kinesis>;
  private loadedSns?: Promise<Sns>;
  private loadedElastiCache?: Promise<ElastiCache>;
  private readonly opened: { close(): void }[] = [];

  constructor(private readonly system: System) {}

  /** Not loaded lazily: each workflow uses it, and what it shares with the other clients then takes fewer files. */
  public dynamoDb(): DynamoDb {
    return this.open(new DynamoDb(this.system));
  }

  public sqs(): Promise<Sqs> {
    this.loadedSqs ??= import('./sqs/index.js').then((service) => this.open(new service.Sqs(this.system)));
    return this.loadedSqs;
  }

  public kinesis(): Promise<Kinesis> {
    this.loadedKinesis ??= import('./kinesis/index.js').then((service) => this.open(new service.Kinesis(this.system)));
    return this.loadedKinesis;
  }

  public sns(): Promise<Sns> {
    this.loadedSns ??= import('./sns/index.js').then((service) => this.open(new service.Sns()));
    return this.loadedSns;
  }

  public elastiCache(): Promise<ElastiCache> {
    this.loadedElastiCache ??= import('./elasticache/index.js').then((service) => this.open(new service.ElastiCache(this.system)));
    return this.loadedElastiCache;
  }

  public close(): void {
    this.opened.forEach((service) => service.close());
  }

  private open<T extends { close(): void }>(service: T): T {
    this.opened.push(service);
    return service;
  }
}
