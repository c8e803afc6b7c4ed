import type { BrokerName } from './brokers';

/**
 * The resources of a workflow. The construct renders this as JSON into the environment of the workflow's function
 * ({@link WORKFLOW_VARIABLE}) and into `clientConfiguration`; the runtime and the client read it. It holds names, ARNs and URLs, never
 * secrets.
 *
 * An environment is limited to 4 KB. So the members that grow with the number of machines are next to the code of the function instead.
 */
export interface WorkflowConfiguration {
  /** The name of the workflow, which is a dimension of its metrics. */
  readonly workflow: string;
  /**
   * The names of the workflow's machines. The client rejects a start of any other machine before it sends a request. Absent in the
   * configuration of a client if the names would take up too much of its environment.
   */
  readonly machines?: readonly string[];
  /** The Region of the workflow. Absent in the configuration of the function, which runs there. */
  readonly region?: string;
  readonly eventSource: EventSourceConfiguration;
  readonly failoverEventSource?: EventSourceConfiguration;
  /** In order of preference; at least one. */
  readonly retryQueues: readonly RetryQueueConfiguration[];
  /** Retry queues that were replaced: the timer sends what still waits in them, and nothing else is stored there. */
  readonly previousRetryQueues?: readonly RetryQueueConfiguration[];
  /** The lock store: a table or a cache. */
  readonly lockTable: LockStoreConfiguration;
  readonly checkpointTable: TableConfiguration;
  readonly deadLetterQueue: DeadLetterQueueConfiguration;
  /** The queue of failed asynchronous invocations and discarded records; absent if nothing invokes the function asynchronously or by a stream. */
  readonly failedInvocations?: ReceivedQueueConfiguration;
  /** The maximum number of concurrent executions by machine name. Machines without an entry are not limited. */
  readonly maxRunningExecutions?: Readonly<Record<string, number>>;
  /** Whether actions run Amazon ECS tasks, which must be stopped when their execution is canceled. */
  readonly ecsTasks?: boolean;
  /** Whether each step commits explicitly, rather than through the acquisition of the next step. */
  readonly eagerCommit?: boolean;
  /** Whether the logs contain the messages and stacks of errors that actions throw. */
  readonly logErrorMessages?: boolean;
  /** Whether metrics are sent with PutMetricData instead of being written to the logs. */
  readonly putMetrics?: boolean;
  /** Whether AWS X-Ray traces the executions. */
  readonly tracing?: boolean;
}

/** The event source of a workflow, by broker, without the name of the broker. */
export interface EventSourceConfigurations {
  readonly sqs: SqsEventSourceConfiguration;
  readonly kinesis: StreamConfiguration;
  readonly sns: TopicConfiguration;
  readonly dynamodb: CheckpointStreamConfiguration;
}

/** A retry queue of a workflow, by broker, without the name of the broker. */
export interface RetryQueueConfigurations {
  readonly sqs: ReceivedQueueConfiguration;
  readonly kinesis: StreamConfiguration;
  readonly sns: TopicConfiguration;
  readonly dynamodb: RetryTableConfiguration;
}

/** An event source of one of these brokers. */
export type EventSourceConfiguration<B extends BrokerName = BrokerName> = {
  [Name in B]: { readonly service: Name } & EventSourceConfigurations[Name];
}[B];

/** A retry queue of one of these brokers. */
export type RetryQueueConfiguration<B extends BrokerName = BrokerName> = {
  [Name in B]: { readonly service: Name } & RetryQueueConfigurations[Name];
}[B];

export interface QueueConfiguration {
  readonly queueUrl: string;
}

/** A queue that the function receives from. */
export interface ReceivedQueueConfiguration extends QueueConfiguration {
  /** Number of deliveries after which the queue dead-letters a message by itself; absent if it is unknown. */
  readonly maxReceiveCount?: number;
}

export interface SqsEventSourceConfiguration extends ReceivedQueueConfiguration {
  readonly fifo?: boolean;
}

export interface StreamConfiguration {
  readonly streamName: string;
}

export interface TopicConfiguration {
  readonly topicArn: string;
}

/** The stream of the checkpoint table, which `WorkflowConfiguration.checkpointTable` configures. */
export type CheckpointStreamConfiguration = Readonly<Record<never, never>>;

export interface RetryTableConfiguration {
  readonly tableName: string;
  /** The number of partitions that the waiting envelopes are spread over. */
  readonly shards: number;
}

export interface DeadLetterQueueConfiguration extends QueueConfiguration {
  readonly service: 'sqs';
}

/** A lock table or a lock cache. */
export type LockStoreConfiguration = TableConfiguration | CacheConfiguration;

export interface TableConfiguration {
  readonly service: 'dynamodb';
  readonly tableName: string;
  /** The days for which an item is kept after its execution has ended. */
  readonly retentionDays: number;
}

/** An ElastiCache cache. */
export type CacheConfiguration = IamCacheConfiguration | PasswordCacheConfiguration;

/** A cache as one workflow uses it: keys contain the name of the workflow. */
export type WorkflowCache = CacheConfiguration & { readonly workflow: string };

interface CommonCacheConfiguration {
  readonly service: 'elasticache';
  /** The host name and the port, separated by a colon. */
  readonly endpoint: string;
  /** The cache user that the workflow connects as. */
  readonly userName: string;
  /** The days for which a lock is kept after its execution has ended. */
  readonly retentionDays: number;
}

/** A cache that authenticates IAM identities. */
export interface IamCacheConfiguration extends CommonCacheConfiguration {
  /** The name of the serverless cache or the id of the replication group. */
  readonly cacheName: string;
  /** Whether the cache is a replication group. */
  readonly nodeBased?: boolean;
  /** The Region that the authentication token is signed for. */
  readonly region: string;
}

/** A cache that authenticates with a password. */
export interface PasswordCacheConfiguration extends CommonCacheConfiguration {
  /** The ARN of the secret that holds the password. */
  readonly passwordSecret: string;
  /** The field of the secret that holds the password, if the secret is a JSON object. */
  readonly passwordField?: string;
}
