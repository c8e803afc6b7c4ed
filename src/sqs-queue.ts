import { Duration, Token } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { grantReceiveFrom } from './access';
import type { WorkflowParts, WorkflowPlan } from './binding';
import { checkPlace } from './given-resource';
import type { Problems } from './problems';

/** How a queue delivers its messages to the workflow's function. */
export interface SqsOptions {
  /**
   * A queue that exists already, or that you configure yourself. Its visibility timeout must be at least the function's timeout (AWS
   * advises six times as much), and it should have a dead-letter queue. It must be this workflow's alone: of two that receive from one
   * queue, each would take a part of what is meant for the other.
   *
   * @default - a new queue, encrypted, which refuses plain HTTP and keeps a message for 14 days
   */
  readonly queue?: sqs.IQueue;
  /**
   * Most messages in one invocation.
   *
   * Valid range: 1 to 10, with a batching window of at least a second 1 to 10,000; for a FIFO queue always 1 to 10.
   * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
   *
   * @default 10
   */
  readonly batchSize?: number;
  /**
   * How long Lambda waits for a batch to fill. A FIFO queue has none.
   *
   * Valid range: 0 seconds to 5 minutes, in whole seconds.
   * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
   *
   * @default - none
   */
  readonly maxBatchingWindow?: Duration;
  /**
   * Most invocations at once for this queue.
   *
   * Valid range: 2 to 1,000.
   * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
   *
   * @default - as many as the function may have
   */
  readonly maxConcurrency?: number;
  /**
   * How often a message is delivered before SQS moves it to the dead-letter queue. The workflow counts the attempts of a step itself, so
   * this is reached only by what the function cannot even give back, time after time. For a queue of your own, set it there.
   *
   * Valid range: 1 to 1,000.
   * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
   *
   * @default 100
   */
  readonly maxReceiveCount?: number;
}

const DEFAULT_MAX_RECEIVE_COUNT = 100;
const LONGEST_WINDOW = Duration.minutes(5);
const SQS_DEFAULT_VISIBILITY_SECONDS = 30;

/** A retry waits for 15 minutes at most; the rest is for an outage of the function, which a person has to mend. */
const LEAST_RETENTION = Duration.days(1);


/** The order holds within an execution alone, so executions need not wait for each other. */
const HIGH_THROUGHPUT_FIFO = {
  fifo: true,
  deduplicationScope: sqs.DeduplicationScope.MESSAGE_GROUP,
  fifoThroughputLimit: sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
} satisfies sqs.QueueProps;

export function checkSqsOptions(problems: Problems, options: SqsOptions, fifo: boolean, plan: WorkflowPlan): void {
  const window = options.maxBatchingWindow;
  problems.duration('maxBatchingWindow', window, Duration.seconds(0), LONGEST_WINDOW, 'the limit of Lambda');
  problems.wholeNumber('maxConcurrency', options.maxConcurrency, 2, 1000, 'the limit of Lambda');
  problems.wholeNumber('maxReceiveCount', options.maxReceiveCount, 1, 1000, 'the limit of SQS');
  if (fifo) {
    problems.wholeNumber('batchSize', options.batchSize, 1, 10, 'the limit of Lambda for a FIFO queue');
    if (window) {
      problems.add('maxBatchingWindow cannot be had with a FIFO queue: Lambda does not gather its messages. Leave it out, or take a standard queue.');
    }
  } else if (window && (window.isUnresolved() || window.toMilliseconds() >= 1000)) {
    problems.wholeNumber('batchSize', options.batchSize, 1, 10_000, 'the limit of Lambda');
  } else {
    problems.wholeNumber('batchSize', options.batchSize, 1, 10, 'the limit of Lambda without a maxBatchingWindow of at least a second');
  }
  if (options.queue) checkGivenQueue(problems, options.queue, options, plan);
}

function checkGivenQueue(problems: Problems, queue: sqs.IQueue, options: SqsOptions, plan: WorkflowPlan): void {
  if (options.maxReceiveCount !== undefined) {
    problems.add('maxReceiveCount is a setting of the queue, and the queue is given. Set it where the queue is made.');
  }
  checkPlace(problems, 'queue', queue, plan.stack, ['region']);
  checkQueueRetention(problems, queue);
  if (queue.queueArn === plan.deadLetterQueue?.queueArn) {
    problems.add('the queue is the dead-letter queue of the workflow. Give another one.');
  }
  const definition = queue.node.defaultChild;
  if (definition instanceof sqs.CfnQueue) {
    const visibility = definition.visibilityTimeout ?? SQS_DEFAULT_VISIBILITY_SECONDS;
    const timeout = plan.functionTimeoutSeconds;
    if (!Token.isUnresolved(visibility) && visibility < timeout) {
      problems.add(
        `the queue hides a received message for ${visibility} s, but the function may take ${timeout} s, which Lambda refuses. ` +
        `Set the queue's visibilityTimeout to ${visibilitySeconds(timeout, options.maxBatchingWindow)} s.`,
      );
    }
  }
}

/** A message that waits for its retry, or for a function that is down, must not be forgotten. */
export function checkQueueRetention(problems: Problems, queue: sqs.IQueue): void {
  const definition = queue.node.defaultChild;
  if (!(definition instanceof sqs.CfnQueue)) return;
  const { messageRetentionPeriod: seconds } = definition;
  if (seconds === undefined || Token.isUnresolved(seconds) || seconds >= LEAST_RETENTION.toSeconds()) return;
  problems.add(
    `the given queue forgets a message after ${Duration.seconds(seconds).toHumanString()}, so a retry that waits, or an outage, would lose executions. ` +
    `Set the queue's retentionPeriod to ${LEAST_RETENTION.toHumanString()} at least; 14 days are best.`,
  );
}

/** A new queue for a workflow. */
export function createQueue(scope: Construct, options: SqsOptions, fifo: boolean, workflow: WorkflowParts): sqs.Queue {
  return new sqs.Queue(scope, 'Queue', {
    ...queueDefaults(workflow.encryptionKey),
    ...(fifo && HIGH_THROUGHPUT_FIFO),
    visibilityTimeout: Duration.seconds(visibilitySeconds(workflow.functionTimeout.toSeconds(), options.maxBatchingWindow)),
    deadLetterQueue: {
      queue: fifo ? createFifoDeadLetterQueue(scope, workflow) : workflow.deadLetterQueue,
      maxReceiveCount: options.maxReceiveCount ?? DEFAULT_MAX_RECEIVE_COUNT,
    },
  });
}

/**
 * How long a received message is hidden: it must not come back while Lambda gathers its batch, while the invocation runs, nor while Lambda
 * retries one that was throttled.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
 */
function visibilitySeconds(timeoutSeconds: number, window: Duration | undefined): number {
  const windowSeconds = window?.isUnresolved() ? LONGEST_WINDOW.toSeconds() : window?.toSeconds() ?? 0;
  return 6 * timeoutSeconds + windowSeconds;
}

/** SQS moves the messages of a FIFO queue only into another FIFO queue, so the workflow's own dead-letter queue will not do. */
function createFifoDeadLetterQueue(scope: Construct, workflow: WorkflowParts): sqs.Queue {
  return new sqs.Queue(scope, 'DeadLetterQueue', {
    ...queueDefaults(workflow.encryptionKey),
    fifo: true,
    removalPolicy: workflow.removalPolicy,
  });
}

/** Encrypted, over TLS only, and keeping messages for as long as SQS does. */
export function queueDefaults(encryptionKey: kms.IKey | undefined) {
  return {
    encryption: encryptionKey ? sqs.QueueEncryption.KMS : sqs.QueueEncryption.SQS_MANAGED,
    encryptionMasterKey: encryptionKey,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  } satisfies sqs.QueueProps;
}

/** Lets the workflow's function receive from the queue. */
export function deliver(id: string, queue: sqs.IQueue, options: SqsOptions, workflow: WorkflowParts): void {
  grantReceiveFrom(queue, workflow.function);
  workflow.function.addEventSourceMapping(id, {
    eventSourceArn: queue.queueArn,
    batchSize: options.batchSize ?? 10,
    maxBatchingWindow: options.maxBatchingWindow,
    maxConcurrency: options.maxConcurrency,
    reportBatchItemFailures: true,
  });
}

