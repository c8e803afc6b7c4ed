import { connectionTo, SimulatedCache } from './cache';
import { SimulatedDynamoDb, Table } from './dynamodb';
import type { Item } from './expressions';
import { DeadLetterMessages, SimulatedKinesis, SimulatedSns, SimulatedSqs } from './messaging';
import { clientOf, type Service } from './service';
import { lockOfHash, lockOfItem } from './stored-lock';
import { CheckpointTable } from '../../../lambda/aws/dynamodb/checkpoint-table';
import { LockTable } from '../../../lambda/aws/dynamodb/lock-table';
import { MailboxTable } from '../../../lambda/aws/dynamodb/mailbox-table';
import { RetryTable } from '../../../lambda/aws/dynamodb/retry-table';
import { RunningExecutionsTable } from '../../../lambda/aws/dynamodb/running-executions-table';
import { StreamEventSource } from '../../../lambda/aws/dynamodb/stream-event-source';
import { LockCache } from '../../../lambda/aws/elasticache/lock-cache';
import { RunningExecutionsCache } from '../../../lambda/aws/elasticache/running-executions-cache';
import { Stream } from '../../../lambda/aws/kinesis/stream';
import { Topic } from '../../../lambda/aws/sns/topic';
import { DeadLetterQueue } from '../../../lambda/aws/sqs/dead-letter-queue';
import { QueueEventSource } from '../../../lambda/aws/sqs/event-source';
import { RetryQueue } from '../../../lambda/aws/sqs/retry-queue';
import type { Lock, LockStore, Transport } from '../../../lambda/engine';
import type { Logger } from '../../../lambda/machine';
import {
  InMemoryQueue, InMemoryStream, InMemoryTopic, type DueTable, type EnvironmentParts, type EventSourceKind, type InMemoryServices,
  type PolledSource, type RetryQueueKind, type SeededRandom, type SharedServices, type VirtualClock,
} from '../../../lambda/testing';
import { RETRY_LATENCY } from '../../../lambda/testing/in-memory-services';

const DUE_DIGITS = 14;

/** Few, as contexts and histories are short here: so queries have several pages. */
const PAGE_BYTES = 1_500;

/** Where the locks are. */
export type LockStoreKind = 'table' | 'cache';

/** What the simulated services of a workflow are. */
export interface SimulatedServicesOptions {
  readonly eventSources: readonly EventSourceKind[];
  readonly retryQueues: readonly RetryQueueKind[];
  readonly lockStore: LockStoreKind;
  readonly disorder: boolean;
  /** Days after which ended executions are forgotten. */
  readonly retentionDays: number;
  /** Milliseconds by which DynamoDB deletes what has outlived its retention later than it might. */
  readonly lag: number;
  readonly logger: Logger;
  /** Told of each change of a lock. */
  readonly onLock: (before: Lock | undefined, after: Lock | undefined) => void;
}

/** A workflow's AWS services in memory, and the library's own adapters to them, which ask them as they ask AWS. */
export class SimulatedServices {
  /** What the bench delivers from, and what lies in the services, seen through adapters that nothing disturbs. */
  public readonly inMemory: InMemoryServices;
  private readonly queues = new Map<string, InMemoryQueue>();
  private readonly streams = new Map<string, InMemoryStream>();
  private readonly topics = new Map<string, InMemoryTopic>();
  private readonly sources: readonly PolledSource[];
  private readonly deadLetters = new DeadLetterMessages();
  private readonly tables: ReadonlyMap<string, Table>;
  private readonly cache: SimulatedCache;
  private readonly services: { readonly dynamoDb: Service; readonly sqs: Service; readonly kinesis: Service; readonly sns: Service };
  /** The environments that have asked for a lock and send the request in the next turn of the event loop. */
  private readonly asking = new Set<EnvironmentParts>();

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
      ['locks', new Table(['executionId'], clock, lag, (before, after) => onLock(before && lockOfItem(before), after && lockOfItem(after)))],
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
      const settings = { clock, resource, visibilityTimeout, deadLetters, disorder: disorder(resource), ...kind };
      return kept(this.queues, resource, new InMemoryQueue(settings));
    };
    const stream = (resource: string, service: 'kinesis' | 'dynamodb', late: { readonly latency?: number }) => (
      kept(this.streams, resource, new InMemoryStream({ clock, resource, service, deadLetters, ...late }))
    );
    const topic = (resource: string, late: { readonly latency?: number }) => (
      kept(this.topics, resource, new InMemoryTopic({ clock, resource, deadLetters, disorder: disorder(resource), ...late }))
    );
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
    const undisturbed: EnvironmentParts = {
      clock: { now: () => clock.now(), sleep: async () => undefined },
      random: random.fork('undisturbed'),
      call: (_name, effect) => effect({ entries: new Map(), delay: [0, 0] }),
    };
    const seen = this.connect(undisturbed);
    this.inMemory = {
      ...seen,
      eventSources: this.sources,
      retryQueues: options.retryQueues.map((kind, index) => {
        const name = nameOfRetries(index);
        switch (kind) {
          case 'sqs':
            return queue(name, {});
          case 'dynamodb':
            // `connect` has made it for a table.
            return this.dueTable(name, seen.retryQueues[index] as RetryTable);
          case 'kinesis':
            return stream(name, kind, { latency: RETRY_LATENCY });
          case 'sns':
            return topic(name, { latency: RETRY_LATENCY });
        }
      }),
      locks: Object.assign(seen.locks, { all: [] }),
      deadLetters: this.deadLetters,
    };
    Object.defineProperty(this.inMemory.locks, 'all', { get: () => this.locks });
  }

  /** Whether code waits for nothing but the next turn of the event loop: the table's adapter joins what is asked for in one. */
  public get busy(): boolean {
    return this.asking.size > 0;
  }

  /** The adapters, for one environment. */
  public connect(parts: EnvironmentParts): SharedServices {
    const { options: { retentionDays, lockStore, logger, eventSources, retryQueues }, services } = this;
    const dynamoDb = clientOf(services.dynamoDb, parts);
    const checkpoints = { tableName: 'checkpoints', retentionDays };
    const sqs = clientOf(services.sqs, parts);
    const source = (kind: EventSourceKind, name: string): Transport => {
      switch (kind) {
        case 'sqs':
        case 'sqs-fifo':
          return new QueueEventSource(sqs, { queueUrl: name, fifo: kind === 'sqs-fifo' }, parts);
        case 'kinesis':
          return new Stream(clientOf(services.kinesis, parts), name, parts);
        case 'dynamodb':
          return new StreamEventSource(dynamoDb, checkpoints, parts);
        case 'sns':
          return new Topic(clientOf(services.sns, parts), name);
      }
    };
    const retryQueue = (kind: RetryQueueKind, name: string): Transport => {
      switch (kind) {
        case 'sqs':
          return new RetryQueue(sqs, { queueUrl: name }, parts);
        case 'dynamodb':
          return new RetryTable(dynamoDb, { tableName: name, shards: 2 }, parts);
        case 'kinesis':
        case 'sns':
          return source(kind, name);
      }
    };
    return {
      eventSources: eventSources.map((kind, index) => source(kind, nameOfSource(index))),
      retryQueues: retryQueues.map((kind, index) => retryQueue(kind, nameOfRetries(index))),
      ...lockStore === 'cache' ? {
        locks: new LockCache(connectionTo(this.cache, parts), retentionDays),
        running: new RunningExecutionsCache(connectionTo(this.cache, parts)),
      } : {
        locks: this.lockTable(parts),
        running: new RunningExecutionsTable(dynamoDb, 'locks'),
      },
      journal: new CheckpointTable(dynamoDb, checkpoints, parts),
      mailbox: new MailboxTable(dynamoDb, checkpoints, parts),
      deadLetters: new DeadLetterQueue(sqs, 'dead-letters', parts),
      logger,
    };
  }

  /** Whether the journal has an entry for the attempt that such a status was committed for. */
  public hasCheckpoint({ executionId, step, fence }: Lock): boolean {
    return this.table('checkpoints').partition(executionId).some((item) => Number(item.step?.N) === step && Number(item.fence?.N) === fence);
  }

  private get locks(): readonly Lock[] {
    return this.options.lockStore === 'table'
      ? this.table('locks').items.flatMap((item) => lockOfItem(item) ?? [])
      : [...this.cache.all].flatMap(([key, hash]) => lockOfHash(key, hash) ?? []);
  }

  private lockTable(parts: EnvironmentParts): LockStore {
    const sent: EnvironmentParts['call'] = (...parameters) => {
      this.asking.delete(parts);
      return parts.call(...parameters);
    };
    const { retentionDays } = this.options;
    const table = new LockTable(clientOf(this.services.dynamoDb, { ...parts, call: sent }), { tableName: 'locks', retentionDays });
    const { acquire } = table;
    return Object.assign(table, {
      acquire: (...parameters: Parameters<typeof acquire>) => {
        this.asking.add(parts);
        return acquire.apply(table, parameters);
      },
    });
  }

  /** The event source mapping of the checkpoint table's stream: it delivers what has an envelope, when it has changed. */
  private stream(before: Item | undefined, after: Item | undefined): void {
    const body = after?.envelope?.S;
    if (body === undefined || JSON.stringify(before) === JSON.stringify(after)) return;
    this.streams.get('checkpoints')?.put(body, after?.executionId?.S);
  }

  private dueTable(name: string, adapter: RetryTable): DueTable {
    const table = this.table(name);
    return Object.defineProperties(adapter, {
      size: { get: () => table.items.length },
      nextAt: {
        get: () => {
          const due = table.items.map((item) => Number(item.due?.S?.slice(0, DUE_DIGITS)));
          return due.length === 0 ? undefined : Math.min(...due);
        },
      },
      // The properties are what makes a DueTable of a transport that is a due store.
    }) as RetryTable & DueTable;
  }

  private table(name: string): Table {
    const table = this.tables.get(name);
    if (!table) throw new Error(`There is no table ${name}.`);
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
