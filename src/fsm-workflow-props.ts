import type { RemovalPolicy } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { ICheckpointTable } from './checkpoint-table';
import type { EventSource } from './event-source';
import type { ILockCache } from './lock-cache';
import type { ILockTable } from './lock-table';
import type { MachineDefinition } from './machine-definition';
import type { MetricDelivery } from './metric-delivery';
import type { RetryQueue } from './retry-queue';
import type { WorkflowFunctionOptions } from './workflow-function';

/** What a workflow consists of. Only `machines` and `actions` have no default. */
export interface FsmWorkflowProps extends WorkflowFunctionOptions {
  /** The machines whose executions the workflow runs; each has a name of its own. */
  readonly machines: MachineDefinition[];
  /**
   * The TypeScript or JavaScript file whose default export implements the machines' actions: absolute, or relative to the working
   * directory. It is bundled at synth, with all that it imports.
   */
  readonly actions: string;
  /**
   * Modules that are not bundled with the actions, because the Lambda runtime or a layer has them; `*` stands for any text, as in
   * `@aws-sdk/*`.
   *
   * @default - none
   */
  readonly externalModules?: string[];
  /**
   * Name of the workflow, by which its metrics are told apart: unique in the account and Region, 1 to 255 printable ASCII characters.
   *
   * @default - made of the construct's path
   */
  readonly workflowName?: string;
  /**
   * What delivers the envelopes of the executions.
   *
   * @default EventSource.sqs()
   */
  readonly eventSource?: EventSource;
  /**
   * What takes over when the event source takes no envelopes.
   *
   * @default - none: envelopes then go to the retry queue
   */
  readonly failoverEventSource?: EventSource;
  /**
   * Where a step that has failed waits for its next attempt.
   *
   * @default RetryQueue.sqs()
   */
  readonly retryQueue?: RetryQueue;
  /**
   * What takes over when the retry queue takes nothing.
   *
   * @default - none
   */
  readonly failoverRetryQueue?: RetryQueue;
  /**
   * Where the leases are.
   *
   * @default - a new LockTable, unless there is a lockCache
   */
  readonly lockTable?: ILockTable;
  /**
   * A cache where the leases are, in place of a table. It is faster and weaker: see {@link LockCache}. Give the workflow's `vpc`, too.
   *
   * @default - none
   */
  readonly lockCache?: ILockCache;
  /**
   * A table that takes over when the lock cache has not answered for a minute, and gives the locks back when it answers again. At each
   * turn executions pause until every lease is over: the function's timeout and half a minute.
   *
   * The table knows nothing of what the cache has granted, so an envelope that is delivered again during the outage may run a step once
   * more that was done before: docs/lock-stores.md tells exactly what is weaker. Without it, executions wait until the cache answers.
   *
   * @default - none
   */
  readonly failoverLockTable?: ILockTable;
  /**
   * Where the journal and the mailboxes are.
   *
   * @default - a new CheckpointTable
   */
  readonly checkpointTable?: ICheckpointTable;
  /**
   * Where what nobody will try again by itself is kept: a standard queue.
   *
   * @default - a new queue, encrypted, which refuses plain HTTP and keeps a message for 14 days
   */
  readonly deadLetterQueue?: sqs.IQueue;
  /**
   * A key of your own to encrypt all that the workflow makes and that holds payloads: its tables and queues. Its policy must let the
   * account's identities use it, as that of a key from the CDK does.
   *
   * @default - everything is encrypted with keys that AWS owns
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * What happens to the tables, the dead-letter queue and the logs that the workflow makes when it is deleted.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * Whether each step is marked as done in the lock table when it is, not only by the acquisition of the next. It costs a write a step, and
   * shows the state of an execution without delay.
   *
   * @default false
   */
  readonly eagerCommit?: boolean;
  /**
   * How the workflow's metrics come to CloudWatch.
   *
   * @default MetricDelivery.EMBEDDED_FORMAT
   */
  readonly metricDelivery?: MetricDelivery;
}
