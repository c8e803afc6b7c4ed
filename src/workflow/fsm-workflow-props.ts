import type { RemovalPolicy } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as nodejs from 'aws-cdk-lib/aws-lambda-nodejs';
import type { WorkflowFunctionOptions } from './workflow-function';
import type { EventSource } from '../brokers/event-source';
import type { RetryQueue } from '../brokers/retry-queue';
import type { MachineDefinition } from '../machines/machine-definition';
import type { MetricDelivery } from '../monitoring/metric-delivery';
import type { ICheckpointTable } from '../stores/checkpoint-table';
import type { ILockCache } from '../stores/lock-cache';
import type { ILockTable } from '../stores/lock-table';

/** Properties of a workflow. Only `machines` and `actions` are required. */
export interface FsmWorkflowProps extends WorkflowFunctionOptions {
  /** The machines that the workflow runs, with unique names. At least one. */
  readonly machines: MachineDefinition[];
  /**
   * Path of the TypeScript or JavaScript file whose default export implements the actions of the machines: absolute, or relative to the working
   * directory. Without a default export, each export of the file is an action.
   *
   * Synthesis bundles the file with all its imports, then loads the bundle to check that it exports the actions of all machines. If the file
   * throws while it loads, for example because an environment variable is missing, the check is skipped with a warning. If it does not load in
   * Lambda either, all steps with actions fail.
   */
  readonly actions: string;
  /**
   * How esbuild bundles the actions. The options are those of the CDK's `NodejsFunction`, with other defaults: the bundle is an ES module with a
   * source map, and contains the AWS SDK. Packages resolve as in Node.js. Options of Docker containers and `preCompilation` are not supported.
   *
   * The bundle contains code only. Copy the files that the actions read, and the files of workers, with `commandHooks`.
   *
   * @default - one ES module with all imported modules
   */
  readonly bundling?: nodejs.BundlingOptions;
  /**
   * Name of the workflow, which is a dimension of its metrics and a part of the keys in its tables and its lock cache. Must be unique in the
   * account and Region.
   *
   * A workflow with another name is another workflow: it does not know the executions of the earlier one. Set the name before you move the
   * construct to another path.
   *
   * Valid range: 1 to 255 printable ASCII characters that do not start with a space.
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
   *
   * @default - generated from the path of the construct
   */
  readonly workflowName?: string;
  /**
   * The event source that delivers the envelopes of executions.
   *
   * @default EventSource.sqs()
   */
  readonly eventSource?: EventSource;
  /**
   * The event source that receives the envelopes while the `eventSource` is unavailable.
   *
   * @default - none: the envelopes go to the retry queue
   */
  readonly failoverEventSource?: EventSource;
  /**
   * The event sources that earlier deployments used. The function still receives their waiting messages, and sends nothing to them, so a change
   * of `eventSource` or `failoverEventSource` loses no execution. Give each the options that it had: a new resource keeps its logical id.
   * Remove an event source from this list once it is empty and no client sends to it any more: see `docs/guide/changing-brokers.md`.
   *
   * @default - none
   */
  readonly previousEventSources?: EventSource[];
  /**
   * The retry queue that holds the envelopes of failed steps until they are retried.
   *
   * @default RetryQueue.sqs()
   */
  readonly retryQueue?: RetryQueue;
  /**
   * The retry queue that receives the envelopes while the `retryQueue` is unavailable.
   *
   * @default - none
   */
  readonly failoverRetryQueue?: RetryQueue;
  /**
   * The retry queues that earlier deployments used. Their waiting messages are still delivered, and no new ones are stored there. Remove a retry
   * queue from this list once it is empty: the timeouts of parked executions may wait in it for as long as the timeout of their state.
   *
   * @default - none
   */
  readonly previousRetryQueues?: RetryQueue[];
  /**
   * The table that stores the leases. Mutually exclusive with `lockCache`.
   *
   * @default - a new LockTable, unless there is a `lockCache`
   */
  readonly lockTable?: ILockTable;
  /**
   * A cache that stores the leases instead of a table. It is faster and less durable: see {@link LockCache}. Requires `vpc`. Mutually exclusive
   * with `lockTable`.
   *
   * @default - none: a table stores the leases
   */
  readonly lockCache?: ILockCache;
  /**
   * The table that stores the journals and the mailboxes.
   *
   * @default - a new CheckpointTable
   */
  readonly checkpointTable?: ICheckpointTable;
  /**
   * The customer managed key that encrypts all new resources: tables, queues, streams, topics and logs, and the environment of the function.
   * The key policy must allow the identities of the account to use the key, as the default policy of a CDK key does. An imported key must also
   * allow CloudWatch Logs to use it.
   *
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
   *
   * @default - keys that AWS owns or manages
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * Removal policy of the new tables, queues, streams and logs. It applies when the stack is deleted, or when they are replaced or removed from
   * the workflow. By default, only the rollback of a first deployment deletes them.
   *
   * @default RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * Whether DynamoDB rejects the deletion of the new tables.
   *
   * @default false
   */
  readonly deletionProtection?: boolean;
  /**
   * Whether the function marks each step as done in the lock store when the step ends, instead of when the next step acquires the lock. Costs
   * one more write per step, and makes the state of an execution visible without delay.
   *
   * @default false
   */
  readonly eagerCommit?: boolean;
  /**
   * Whether the function logs the errors of actions with their messages, stacks and causes. They may contain payload; the log otherwise has
   * the class of an error and the place that threw it.
   *
   * @default false
   */
  readonly logErrorMessages?: boolean;
  /**
   * How the metrics of the workflow reach CloudWatch.
   *
   * @default MetricDelivery.EMBEDDED_FORMAT
   */
  readonly metricDelivery?: MetricDelivery;
}
