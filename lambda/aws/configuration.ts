/**
 * Which resources a workflow consists of. The construct renders it into the function's environment (`FSM_WORKFLOW`) at synth,
 * the runtime and the client read it. Names and URLs only: no secrets.
 */
export interface WorkflowConfiguration {
  /** Name of the workflow, a dimension of its metrics. */
  readonly workflow: string;
  /** Names of its machines: a start of any other is refused before anything is sent. */
  readonly machines: readonly string[];
  readonly eventSource: EventSourceConfiguration;
  readonly failoverEventSource?: EventSourceConfiguration;
  /** In order of preference; at least one. */
  readonly retryQueues: readonly RetryQueueConfiguration[];
  /** Where the locks are: a table, or a cache. */
  readonly lockTable: TableConfiguration | CacheConfiguration;
  /** What takes over when the locks do not answer. */
  readonly failoverLockTable?: TableConfiguration;
  /** The function's timeout, which tells when every lease is over. There is one with a failover lock table. */
  readonly functionTimeoutSeconds?: number;
  readonly checkpointTable: TableConfiguration;
  readonly deadLetterQueue: { readonly service: 'sqs'; readonly queueUrl: string };
  /** How many executions may be under way at once, by the name of their machine; the executions of others are not counted. */
  readonly maxRunningExecutions?: Readonly<Record<string, number>>;
  /** Actions have their work done by tasks on Amazon ECS, which may have to be stopped when an execution is cancelled. */
  readonly ecsTasks?: boolean;
  /** Commit each step explicitly, not only by the acquisition of its successor. */
  readonly eagerCommit?: boolean;
  /** Put the metrics by requests, instead of writing them into the logs. */
  readonly putMetrics?: boolean;
  /** Trace the executions with AWS X-Ray. */
  readonly tracing?: boolean;
}

export type EventSourceConfiguration =
  | { readonly service: 'sqs'; readonly queueUrl: string; readonly fifo?: boolean }
  /** The stream of the checkpoint table. */
  | { readonly service: 'dynamodb' }
  | StreamConfiguration
  | TopicConfiguration;

export type RetryQueueConfiguration =
  | { readonly service: 'sqs'; readonly queueUrl: string }
  | { readonly service: 'dynamodb'; readonly tableName: string; readonly shards: number }
  | StreamConfiguration
  | TopicConfiguration;

export interface StreamConfiguration {
  readonly service: 'kinesis';
  readonly streamName: string;
}

export interface TopicConfiguration {
  readonly service: 'sns';
  readonly topicArn: string;
}

export interface TableConfiguration {
  readonly service: 'dynamodb';
  readonly tableName: string;
  /** Days after which an item that is no longer needed is forgotten. */
  readonly retentionDays: number;
}

/** A cache of ElastiCache. */
export type CacheConfiguration = IamCacheConfiguration | PasswordCacheConfiguration;

interface CommonCacheConfiguration {
  readonly service: 'elasticache';
  /** Host name and port, with a colon between them. */
  readonly endpoint: string;
  /** The user of the cache as whom the workflow connects. */
  readonly userName: string;
  /** Days after which a lock that is no longer needed is forgotten. */
  readonly retentionDays: number;
}

/** A cache to which IAM identities authenticate. */
export interface IamCacheConfiguration extends CommonCacheConfiguration {
  /** Name of the serverless cache, or id of the replication group. */
  readonly cacheName: string;
  /** It is a replication group. */
  readonly nodeBased?: boolean;
  /** The Region for which the authentication is signed. */
  readonly region: string;
}

/** A cache to which one authenticates with a password. */
export interface PasswordCacheConfiguration extends CommonCacheConfiguration {
  /** ARN of the secret that holds the password. */
  readonly passwordSecret: string;
  /** The field of the secret that is the password, if the secret is a JSON object. */
  readonly passwordField?: string;
}
