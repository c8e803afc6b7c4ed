import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { EventSource } from '../brokers/event-source';
import type { RetryQueue } from '../brokers/retry-queue';
import type { ICheckpointTable } from '../stores/checkpoint-table';
import type { ILockCache } from '../stores/lock-cache';
import type { ILockTable } from '../stores/lock-table';

/** Attributes of a workflow of another stack or app. They must be equal to the properties of that workflow. */
export interface FsmWorkflowAttributes {
  /** Name of the workflow. */
  readonly workflowName: string;
  /** Names of the machines that the workflow runs. */
  readonly machineNames: string[];
  /** The event source, with its existing resource, for example `EventSource.sqs({ queue })`. */
  readonly eventSource: EventSource;
  /**
   * The event source that takes over, with its existing resource.
   *
   * @default - none
   */
  readonly failoverEventSource?: EventSource;
  /** The retry queue, with its existing resource, for example `RetryQueue.sqs({ queue })`. */
  readonly retryQueue: RetryQueue;
  /**
   * The retry queue that takes over, with its existing resource.
   *
   * @default - none
   */
  readonly failoverRetryQueue?: RetryQueue;
  /**
   * The table that stores the leases. Required, unless there is a `lockCache`.
   *
   * @default - a `lockCache` stores the leases
   */
  readonly lockTable?: ILockTable;
  /**
   * The cache that stores the leases.
   *
   * @default - a `lockTable` stores the leases
   */
  readonly lockCache?: ILockCache;
  /** The table that stores the journals and the mailboxes. */
  readonly checkpointTable: ICheckpointTable;
  /** The dead-letter queue. */
  readonly deadLetterQueue: sqs.IQueue;
  /**
   * Whether the workflow has Amazon ECS tasks. `grantCancel` then includes `grantStart`.
   *
   * @default false
   */
  readonly hasEcsTasks?: boolean;
  /**
   * Whether AWS X-Ray traces the executions.
   *
   * @default false
   */
  readonly tracing?: boolean;
}
