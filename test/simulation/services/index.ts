import { connectionTo, SimulatedCache } from './cache';
import { SimulatedDynamoDb, Table } from './dynamodb';
import type { Item } from './expressions';
import { DeadLetterMessages, SimulatedKinesis, SimulatedSns, SimulatedSqs } from './messaging';
import { clientOf, type Service } from './service';
import type { RedeliveryRuntime } from '../lambda-events';
import { lockOfHash, lockOfItem } from './stored-lock';
import { CheckpointTable } from '../../../lambda/aws/dynamodb/checkpoint-table';
import { DynamoDbEventSource } from '../../../lambda/aws/dynamodb/event-source';
import { LockTable } from '../../../lambda/aws/dynamodb/lock-table';
import { MailboxTable } from '../../../lambda/aws/dynamodb/mailbox-table';
import { DynamoDbRetryQueue } from '../../../lambda/aws/dynamodb/retry-queue';
import { RunningExecutionsTable } from '../../../lambda/aws/dynamodb/running-executions-table';
import { LockCache } from '../../../lambda/aws/elasticache/lock-cache';
import { RunningExecutionsCache } from '../../../lambda/aws/elasticache/running-executions-cache';
import { KinesisEventSource } from '../../../lambda/aws/kinesis/event-source';
import { SnsEventSource } from '../../../lambda/aws/sns/event-source';
import { DeadLetterQueue } from '../../../lambda/aws/sqs/dead-letter-queue';
import { SqsEventSource } from '../../../lambda/aws/sqs/event-source';
import { scheduleRedeliveries } from '../../../lambda/aws/sqs/redelivery';
import { SqsRetryQueue } from '../../../lambda/aws/sqs/retry-queue';
import type { WorkflowConfiguration } from '../../../lambda/contract/configuration';
import { partitionOf } from '../../../lambda/contract/tables';
import type { Clock, Lock, LockStore, Transport } from '../../../lambda/engine';
import type { Logger } from '../../../lambda/machine';
import type { EventSourceKind, RetryQueueKind, SeededRandom } from '../../../lambda/testing';
import type { EnvironmentParts } from '../../../lambda/testing/bench/execution-environment';
import type { VirtualClock } from '../../../lambda/testing/determinism/virtual-clock';
import type { SharedServices } from '../../../lambda/testing/faults/intercepted-ports';
import { InMemoryQueue } from '../../../lambda/testing/services/in-memory-queue';
import type { DueTable } from '../../../lambda/testing/services/in-memory-retry-table';
import type { InMemoryServices } from '../../../lambda/testing/services/in-memory-services';
import { RETRY_LATENCY_MS } from '../../../lambda/testing/services/in-memory-services';
import { InMemoryStream } from '../../../lambda/testing/services/in-memory-stream';
import { FAILED_INVOCATIONS_SUFFIX, InMemoryTopic } from '../../../lambda/testing/services/in-memory-topic';
import type { PolledSource } from '../../../lambda/testing/services/polled-source';

const DUE_DIGITS = 14;

/** Small, because contexts and histories are short here: this makes queries have several pages. */
const PAGE_BYTES = 1_500;

/** The name of the simulated workflow, and of another one that shares its stores. Both have characters that keys must escape. */
const WORKFLOW = 'orders/simulated';
export const NEIGHBOR = 'orders';

/** The store that holds the locks. */
export type LockStoreKind = 'table' | 'cache';

/** The configuration of a workflow's simulated services. */
export interface SimulatedServicesOptions {
  readonly eventSources: readonly EventSourceKind[];
  readonly retryQueues: readonly RetryQueueKind[];
  readonly lockStore: LockStoreKind;
  readonly disorder: boolean;
  /** Deliveries after which a queue dead-letters a message. */
  readonly maxReceives: number;
  /** Days after which ended executions expire. */
  readonly retentionDays: number;
  /** How late DynamoDB deletes expired items, in milliseconds. */
  readonly lag: number;
  readonly logger: Logger;
  /** Called with each change of a lock. */
  readonly onLock: (before: Lock | undefined, after: Lock | undefined) => void;
}

/** The AWS services of a workflow in memory, and the library's own adapters, which make the same requests as to AWS. */
export class SimulatedServices {
  /** The services as the bench uses them, through adapters without faults. */
  public readonly inMemory: InMemoryServices;
  private readonly queues = new Map<string, InMemoryQueue>();
  private readonly streams = new Map<string, InMemoryStream>();
  private readonly topics = new Map<string, InMemoryTopic>();
  private readonly sources: readonly PolledSource[];
  private readonly deadLetters = new DeadLetterMessages();
  private readonly tables: ReadonlyMap<string, Table>;
  private readonly cache: SimulatedCache;
  private readonly services: {
    readonly dynamoDb: Service;
    readonly sqs: Service;
    readonly kinesis: Service;
    readonly sns: Service;
  };
  /** The environments that batch lock requests and send them in the next turn of the event loop. */
  private readonly asking = new Set<EnvironmentParts>();
  private readonly connected = new WeakMap<Clock, EnvironmentParts>();
  private readonly undisturbed: EnvironmentParts;

  constructor(
    private readonly options: SimulatedServicesOptions,
    clock: VirtualClock,
    random: SeededRandom,
    visibilityTimeout: number,
  ) {
    const { onLock, lag } = options;
    const retries = options.retryQueues.flatMap((kind, index) => (kind === 'dynamodb' ? [nameOfRetries(index)] : []));
    this.cache = new SimulatedCache(clock, (key, before, after) => {
      onLock(before && lockOfHash(key, before), after && lockOfHash(key, after));
    });
    this.tables = new Map([
      [
        'locks',
        new Table(['executionId'], clock, lag, (before, after) =>
          onLock(before && lockOfItem(before), after && lockOfItem(after)),
        ),
      ],
      ['checkpoints', new Table(['executionId', 'entry'], clock, lag, (before, after) => this.stream(before, after))],
      ...retries.map((name) => [name, new Table(['shard', 'due'], clock, lag)] as const),
    ]);
    this.services = {
      dynamoDb: new SimulatedDynamoDb(this.tables, clock, PAGE_BYTES),
      sqs: new SimulatedSqs(this.queues, this.deadLetters, clock),
      kinesis: new SimulatedKinesis(this.streams),
      sns: new SimulatedSns(this.topics),
    };
    const { deadLetters } = this;
    const disorder = (resource: string) => (options.disorder ? random.fork(resource) : undefined);
    const queue = (resource: string, kind: { readonly fifo?: boolean; readonly longestDelay?: number }) => {
      const { maxReceives } = options;
      const settings = {
        clock,
        resource,
        visibilityTimeout,
        maxReceives,
        deadLetters,
        disorder: disorder(resource),
        ...kind,
      };
      return kept(this.queues, resource, new InMemoryQueue(settings));
    };
    const stream = (resource: string, service: 'kinesis' | 'dynamodb', late: { readonly latency?: number }) =>
      kept(this.streams, resource, new InMemoryStream({ clock, resource, service, deadLetters, ...late }));
    const topic = (resource: string, late: { readonly latency?: number }) => {
      const created = new InMemoryTopic({ clock, resource, deadLetters, disorder: disorder(resource), ...late });
      this.queues.set(`${resource}${FAILED_INVOCATIONS_SUFFIX}`, created.failedInvocations);
      return kept(this.topics, resource, created);
    };
    this.sources = options.eventSources.map((kind, index) => {
      const resource = nameOfSource(index);
      switch (kind) {
        case 'sqs':
        case 'sqs-fifo':
          return queue(resource, { fifo: kind === 'sqs-fifo', longestDelay: 0 });
        case 'kinesis':
          return stream(resource, kind, {});
        case 'dynamodb':
          return stream('checkpoints', kind, {});
        case 'sns':
          return topic(resource, {});
      }
    });
    this.undisturbed = {
      clock: { now: () => clock.now(), sleep: async () => undefined },
      random: random.fork('undisturbed'),
      call: (_name, effect) => effect({ entries: new Map(), delay: [0, 0] }),
    };
    const seen = this.connect(this.undisturbed);
    this.inMemory = {
      ...seen,
      eventSources: this.sources,
      retryQueues: options.retryQueues.map((kind, index) => {
        const name = nameOfRetries(index);
        switch (kind) {
          case 'sqs':
            return queue(name, {});
          case 'dynamodb':
            // `connect` created it for a table.
            return this.dueTable(name, seen.retryQueues[index] as DynamoDbRetryQueue);
          case 'kinesis':
            return stream(name, kind, { latency: RETRY_LATENCY_MS });
          case 'sns':
            return topic(name, { latency: RETRY_LATENCY_MS });
        }
      }),
      locks: Object.assign(seen.locks, { all: [] }),
      deadLetters: this.deadLetters,
    };
    Object.defineProperty(this.inMemory.locks, 'all', { get: () => this.locks });
  }

  /** Whether code waits only for the next turn of the event loop: the table's adapter joins the requests of one turn. */
  public get busy(): boolean {
    return this.asking.size > 0;
  }

  /** Returns the stores as another workflow uses them, without faults. */
  public connectNeighbor(): SharedServices {
    return this.connect(this.undisturbed, NEIGHBOR);
  }

  /** Returns the adapters of one environment. */
  public connect(parts: EnvironmentParts, workflow = WORKFLOW): SharedServices {
    this.connected.set(parts.clock, parts);
    const {
      options: { retentionDays, lockStore, logger, eventSources, retryQueues },
      services,
    } = this;
    const dynamoDb = clientOf(services.dynamoDb, parts);
    const checkpoints = { tableName: 'checkpoints', workflow, retentionDays };
    const sqs = clientOf(services.sqs, parts);
    const source = (kind: EventSourceKind, name: string): Transport => {
      switch (kind) {
        case 'sqs':
        case 'sqs-fifo':
          return new SqsEventSource(sqs, { queueUrl: name, fifo: kind === 'sqs-fifo' }, parts);
        case 'kinesis':
          return new KinesisEventSource(clientOf(services.kinesis, parts), name, parts);
        case 'dynamodb':
          return new DynamoDbEventSource(dynamoDb, checkpoints, parts);
        case 'sns':
          return new SnsEventSource(clientOf(services.sns, parts), name);
      }
    };
    const retryQueue = (kind: RetryQueueKind, name: string): Transport => {
      switch (kind) {
        case 'sqs':
          return new SqsRetryQueue(sqs, { queueUrl: name }, parts);
        case 'dynamodb':
          return new DynamoDbRetryQueue(dynamoDb, { tableName: name, shards: 2 }, parts);
        case 'kinesis':
        case 'sns':
          return source(kind, name);
      }
    };
    return {
      eventSources: eventSources.map((kind, index) => source(kind, nameOfSource(index))),
      retryQueues: retryQueues.map((kind, index) => retryQueue(kind, nameOfRetries(index))),
      ...(lockStore === 'cache'
        ? {
            locks: new LockCache(connectionTo(this.cache, parts), { workflow, retentionDays }),
            running: new RunningExecutionsCache(connectionTo(this.cache, parts), { workflow }),
          }
        : {
            locks: this.lockTable(parts, workflow),
            running: new RunningExecutionsTable(dynamoDb, { tableName: 'locks', workflow }),
          }),
      journal: new CheckpointTable(dynamoDb, checkpoints, parts),
      mailbox: new MailboxTable(dynamoDb, checkpoints, parts),
      deadLetters: new DeadLetterQueue(sqs, 'dead-letters', parts),
      logger,
    };
  }

  /** Returns the part of the runtime that sets when queues redeliver messages, for the environment with this clock. */
  public runtimeOf(clock: Clock): RedeliveryRuntime {
    const parts = this.connected.get(clock);
    if (!parts) throw new Error('The environment is not connected.');
    const { eventSources, retryQueues, maxReceives: maxReceiveCount, logger } = this.options;
    const queue = (queueUrl: string) => ({ service: 'sqs', queueUrl, maxReceiveCount }) as const;
    const others = { service: 'sns', topicArn: 'topic' } as const;
    const [primary, failover] = eventSources.map((kind, index) =>
      kind === 'sqs' || kind === 'sqs-fifo' ? queue(nameOfSource(index)) : others,
    );
    // The runtime reads only the queues.
    const workflow = {
      eventSource: primary,
      failoverEventSource: failover,
      retryQueues: retryQueues.map((kind, index) => (kind === 'sqs' ? queue(nameOfRetries(index)) : others)),
    } as unknown as WorkflowConfiguration;
    const sqs = clientOf(this.services.sqs, parts);
    return {
      workflow,
      scheduleRedeliveries: (batch, outcomes) =>
        scheduleRedeliveries(sqs, workflow, { clock, logger }, batch, outcomes),
    };
  }

  /** Whether the journal has the checkpoint of an attempt that was committed with a status. */
  public hasCheckpoint({ executionId, step, fence }: Lock): boolean {
    return this.table('checkpoints')
      .partition(partitionOf(WORKFLOW, executionId))
      .some((item) => Number(item.step?.N) === step && Number(item.fence?.N) === fence);
  }

  private get locks(): readonly Lock[] {
    return this.options.lockStore === 'table'
      ? this.table('locks').items.flatMap((item) => lockOfItem(item) ?? [])
      : [...this.cache.all].flatMap(([key, hash]) => lockOfHash(key, hash) ?? []);
  }

  private lockTable(parts: EnvironmentParts, workflow: string): LockStore {
    const sent: EnvironmentParts['call'] = (...parameters) => {
      this.asking.delete(parts);
      return parts.call(...parameters);
    };
    const { retentionDays } = this.options;
    const table = new LockTable(clientOf(this.services.dynamoDb, { ...parts, call: sent }), {
      tableName: 'locks',
      workflow,
      retentionDays,
    });
    const { acquire } = table;
    return Object.assign(table, {
      acquire: (...parameters: Parameters<typeof acquire>) => {
        this.asking.add(parts);
        return acquire.apply(table, parameters);
      },
    });
  }

  /** The event source mapping of the checkpoint table's stream: it delivers changed items that have an envelope. */
  private stream(before: Item | undefined, after: Item | undefined): void {
    const body = after?.envelope?.S;
    if (body === undefined || JSON.stringify(before) === JSON.stringify(after)) return;
    this.streams.get('checkpoints')?.put(body, after?.executionId?.S);
  }

  private dueTable(name: string, adapter: DynamoDbRetryQueue): DueTable {
    const table = this.table(name);
    return Object.defineProperties(adapter, {
      size: { get: () => table.items.length },
      nextAt: {
        get: () => {
          const due = table.items.map((item) => Number(item.due?.S?.slice(0, DUE_DIGITS)));
          return due.length === 0 ? undefined : Math.min(...due);
        },
      },
      // These properties make a DueTable of a transport that is a due store.
    }) as DynamoDbRetryQueue & DueTable;
  }

  private table(name: string): Table {
    const table = this.tables.get(name);
    if (!table) throw new Error(`The table ${name} does not exist.`);
    return table;
  }
}

function nameOfSource(index: number): string {
  return `event-source-${index + 1}`;
}

function nameOfRetries(index: number): string {
  return `retry-queue-${index + 1}`;
}

function kept<T>(map: Map<string, T>, name: string, value: T): T {
  map.set(name, value);
  return value;
}
