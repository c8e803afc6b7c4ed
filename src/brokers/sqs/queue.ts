import { Duration, Token } from 'aws-cdk-lib';
import type * as eventsources from 'aws-cdk-lib/aws-lambda-event-sources';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { EventSourceConfiguration, RetryQueueConfiguration } from '#contract';
import { checkExisting } from '../../shared/existing-resource';
import { grantReceiveFrom, grantSendTo } from '../../shared/grants';
import { MAX_BATCHING_WINDOW, queueDefaults, visibilityTimeout } from '../../shared/queues';
import type { ValidationErrors } from '../../shared/validation-errors';
import {
  checkTypes,
  DURATION,
  FILTERS,
  KEY,
  MAPPING_METRICS,
  optionsLike,
  QUEUE,
  type TypesOf,
} from '../../shared/value-types';
import type { Broker, BrokerConfig, ValidationContext, WorkflowParts } from '../broker';
import { resourceIdOf } from '../broker-scope';

/**
 * How an SQS queue is created, and how it delivers its messages to the workflow's function: with the options of every SQS event source of the
 * AWS CDK. `reportBatchItemFailures` is always true. Lambda deletes the messages that `filters` exclude.
 */
export interface SqsOptions extends eventsources.SqsEventSourceProps {
  /**
   * An existing queue in the Region of the workflow. No other consumer may receive from it. Its visibility timeout must be at least the
   * function's timeout; 30 seconds more are recommended, because a step waits that long after a crash. Its messages must be retained for at
   * least 1 day, and may have 1 MiB, as in queues without `maxMessageSizeBytes`. It must have a dead-letter queue, and deliver a message at least twice before it moves it there.
   *
   * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
   *
   * @default - a new encrypted queue that denies plain HTTP and retains messages for 14 days
   */
  readonly queue?: sqs.IQueue;
  /**
   * Number of times that the queue delivers a message before SQS moves it to the dead-letter queue. The workflow counts the attempts of a step
   * itself, and replaces a message that has used most of its deliveries by a new one.
   *
   * For a queue that is imported by ARN or name, state the number that its redrive policy has. A queue of the app states it itself.
   *
   * Valid range: 2 to 1,000. At its last delivery, a message is replaced and not processed.
   * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
   *
   * @default 1000 for a new queue, and for an imported queue 3, the fewest in common use
   */
  readonly maxReceiveCount?: number;
}

const TYPES: TypesOf<SqsOptions> = {
  queue: QUEUE,
  maxBatchingWindow: DURATION,
  filters: FILTERS,
  filterEncryption: KEY,
  metricsConfig: MAPPING_METRICS,
  provisionedPollerConfig: optionsLike('{ minimumPollers: 1, maximumPollers: 10 }'),
};

/** How the runtime finds the queue. A retry queue is never a FIFO queue. */
type QueueConfiguration = EventSourceConfiguration<'sqs'> & RetryQueueConfiguration<'sqs'>;

const DEFAULT_MAX_RECEIVE_COUNT = 1_000;

/** At its last delivery, a message is replaced and not processed. */
const MIN_RECEIVE_COUNT = 2;

const SQS_DEFAULT_VISIBILITY_SECONDS = 30;

/** A retry waits in SQS for at most 15 minutes. The rest leaves time to fix an outage of the function. */
const MIN_RETENTION = Duration.days(1);

/** @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const MAX_MESSAGE_BYTES = 1_048_576;

/** Only the messages of one execution must stay in order, so each execution has its own message group. */
const HIGH_THROUGHPUT_FIFO = {
  // A generated name would lack the suffix `.fifo`.
  queueName: undefined,
  fifo: true,
  deduplicationScope: sqs.DeduplicationScope.MESSAGE_GROUP,
  fifoThroughputLimit: sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
} satisfies sqs.QueueProps;

/** The event source and the retry queue on SQS: both send to a queue, which Lambda polls for the function. */
export abstract class SqsBroker<Options extends SqsOptions> implements Broker<QueueConfiguration> {
  constructor(
    protected readonly options: Options,
    protected readonly fifo: boolean,
  ) {}

  public identity(): unknown {
    return this.options.queue?.queueArn ?? this;
  }

  public resourceId(): string {
    return resourceIdOf(this.fifo ? 'SqsFifo' : 'Sqs', this.options.queue);
  }

  public check(errors: ValidationErrors, context: ValidationContext): void {
    checkSqsOptions(errors, checkTypes<SqsOptions>(errors, this.options, TYPES), this.fifo, context);
  }

  public bind(scope: Construct, workflow: WorkflowParts): BrokerConfig<QueueConfiguration> {
    const { options, fifo } = this;
    const queue = options.queue ?? createQueue(scope, options, fifo, workflow);
    grantReceiveFrom(queue, workflow.function);
    const mapping: eventsources.SqsEventSourceProps = options;
    workflow.function.addEventSourceMapping(scope.node.id, {
      ...mapping,
      eventSourceArn: queue.queueArn,
      batchSize: options.batchSize ?? 10,
      reportBatchItemFailures: true,
    });
    return this.configOf(queue);
  }

  public attach(errors: ValidationErrors): BrokerConfig<QueueConfiguration> | undefined {
    const { queue } = checkTypes<SqsOptions>(errors, this.options, TYPES);
    return queue && this.configOf(queue);
  }

  private configOf(queue: sqs.IQueue): BrokerConfig<QueueConfiguration> {
    const { fifo, options } = this;
    const maxReceiveCount = options.maxReceiveCount ?? redrivePolicyOf(queue)?.maxReceiveCount;
    return {
      resource: { service: 'sqs', queue },
      configuration: {
        service: 'sqs',
        queueUrl: queue.queueUrl,
        ...(maxReceiveCount !== undefined && { maxReceiveCount }),
        ...(fifo && { fifo }),
      },
      grantSend: (grantee) => grantSendTo(queue, grantee),
    };
  }
}

/**
 * Rejects a queue that would expire messages while a retry waits or the function is down, and a queue that rejects large messages. The
 * runtime relies on the maximum size that SQS supports: a message that its queue rejects would be sent again and again.
 */
export function checkQueueLimits(errors: ValidationErrors, queue: sqs.IQueue): void {
  const definition = queue.node.defaultChild;
  if (!(definition instanceof sqs.CfnQueue)) return;
  const { messageRetentionPeriod: seconds, maximumMessageSize: bytes } = definition;
  if (seconds !== undefined && !Token.isUnresolved(seconds) && seconds < MIN_RETENTION.toSeconds()) {
    errors.add(
      `The existing queue retains messages for only ${Duration.seconds(seconds).toHumanString()}, so a waiting retry or an outage would lose executions. ` +
        `Set the queue's retentionPeriod to at least ${MIN_RETENTION.toHumanString()}; 14 days are recommended.`,
    );
  }
  if (bytes !== undefined && !Token.isUnresolved(bytes) && bytes < MAX_MESSAGE_BYTES) {
    errors.add(
      `The existing queue accepts messages of at most ${bytes} bytes, so it would reject large envelopes. ` +
        `Omit the queue's maxMessageSizeBytes, or set it to ${MAX_MESSAGE_BYTES}.`,
    );
  }
}

function checkSqsOptions(
  errors: ValidationErrors,
  options: SqsOptions,
  fifo: boolean,
  context: ValidationContext,
): void {
  const { batchSize, maxBatchingWindow: window } = options;
  if (options.reportBatchItemFailures === false) {
    errors.add(
      'reportBatchItemFailures must be true, so that a failed message is redelivered without the rest of its batch. Omit reportBatchItemFailures.',
    );
  }
  errors.checkDuration('maxBatchingWindow', window, {
    min: Duration.seconds(0),
    max: MAX_BATCHING_WINDOW,
    reason: 'Lambda limit',
    acceptsTokens: true,
  });
  errors.checkInteger('maxConcurrency', options.maxConcurrency, { min: 2, max: 1000, reason: 'Lambda limit' });
  errors.checkInteger('maxReceiveCount', options.maxReceiveCount, {
    min: MIN_RECEIVE_COUNT,
    max: 1000,
    reason: 'SQS limit, and a message is not processed at its last delivery',
  });
  if (fifo) {
    errors.checkInteger('batchSize', batchSize, { min: 1, max: 10, reason: 'Lambda limit for FIFO queues' });
    if (window) {
      errors.add(
        'Lambda does not support maxBatchingWindow for FIFO queues. Omit maxBatchingWindow, or use a standard queue.',
      );
    }
  } else if (window && (window.isUnresolved() || window.toMilliseconds() >= 1000)) {
    errors.checkInteger('batchSize', batchSize, { min: 1, max: 10_000, reason: 'Lambda limit' });
  } else {
    errors.checkInteger('batchSize', batchSize, {
      min: 1,
      max: 10,
      reason: 'Lambda limit without a maxBatchingWindow of at least 1 second',
    });
  }
  if (options.queue) checkExistingQueue(errors, options.queue, options, context);
}

function checkExistingQueue(
  errors: ValidationErrors,
  queue: sqs.IQueue,
  options: SqsOptions,
  context: ValidationContext,
): void {
  checkRedrivePolicy(errors, queue, options);
  checkExisting(errors, 'queue', queue, queue.queueArn, context.stack, ['region']);
  checkQueueLimits(errors, queue);
  if (queue.queueArn === context.deadLetterQueue?.queueArn) {
    errors.add("The queue is the workflow's deadLetterQueue. Use another queue.");
  }
  const definition = queue.node.defaultChild;
  if (definition instanceof sqs.CfnQueue) {
    const visibility = definition.visibilityTimeout ?? SQS_DEFAULT_VISIBILITY_SECONDS;
    const timeout = context.functionTimeoutSeconds;
    if (!Token.isUnresolved(visibility) && visibility < timeout) {
      errors.add(
        `The existing queue has a visibility timeout of ${visibility} s, but the function's timeout is ${timeout} s, which Lambda rejects. ` +
          `Set the queue's visibilityTimeout to ${visibilityTimeout(Duration.seconds(timeout), options.maxBatchingWindow).toSeconds()} s.`,
      );
    }
  }
}

/** The redrive policy of a queue of the app; undefined if it has none, if it is known only at deployment, or if the queue is imported. */
function redrivePolicyOf(queue: sqs.IQueue): { readonly maxReceiveCount?: number } | undefined {
  const definition = queue.node.defaultChild;
  const policy: unknown = definition instanceof sqs.CfnQueue ? definition.redrivePolicy : undefined;
  if (typeof policy !== 'object' || policy === null || Token.isUnresolved(policy)) return undefined;
  const maxReceiveCount = 'maxReceiveCount' in policy ? policy.maxReceiveCount : undefined;
  return typeof maxReceiveCount === 'number' && !Token.isUnresolved(maxReceiveCount) ? { maxReceiveCount } : {};
}

function checkRedrivePolicy(
  errors: ValidationErrors,
  queue: sqs.IQueue,
  { maxReceiveCount: stated }: SqsOptions,
): void {
  const definition = queue.node.defaultChild;
  if (!(definition instanceof sqs.CfnQueue) || Token.isUnresolved(definition.redrivePolicy)) return;
  const { maxReceiveCount } = redrivePolicyOf(queue) ?? {};
  if (definition.redrivePolicy === undefined) {
    errors.add(
      'The existing queue has no dead-letter queue, so it would deliver a message that crashes the function until its retention ends, and then lose it. ' +
        `Set the queue's deadLetterQueue, with a maxReceiveCount of at least ${MIN_RECEIVE_COUNT}; ${DEFAULT_MAX_RECEIVE_COUNT} is recommended.`,
    );
    return;
  }
  if (maxReceiveCount === undefined) return;
  if (stated !== undefined && stated !== maxReceiveCount) {
    errors.add(
      `Invalid maxReceiveCount ${stated}: the redrive policy of the existing queue has ${maxReceiveCount}. Omit maxReceiveCount.`,
    );
  }
  if (maxReceiveCount < MIN_RECEIVE_COUNT) {
    errors.add(
      `The existing queue has a maxReceiveCount of ${maxReceiveCount}, so it would dead-letter every message that is not processed at once. ` +
        `Set the queue's maxReceiveCount to at least ${MIN_RECEIVE_COUNT}; ${DEFAULT_MAX_RECEIVE_COUNT} is recommended.`,
    );
  }
}

function createQueue(scope: Construct, options: SqsOptions, fifo: boolean, workflow: WorkflowParts): sqs.Queue {
  return new sqs.Queue(scope, 'Queue', {
    ...queueDefaults(workflow.encryptionKey),
    ...(fifo && HIGH_THROUGHPUT_FIFO),
    visibilityTimeout: visibilityTimeout(workflow.functionTimeout, options.maxBatchingWindow),
    deadLetterQueue: {
      queue: fifo ? createFifoDeadLetterQueue(scope, workflow) : workflow.deadLetterQueue,
      maxReceiveCount: options.maxReceiveCount ?? DEFAULT_MAX_RECEIVE_COUNT,
    },
    // Messages may still wait in a queue that is replaced or removed.
    removalPolicy: workflow.removalPolicy,
  });
}

/** The dead-letter queue of a FIFO queue must be a FIFO queue, which the workflow's dead-letter queue is not. */
function createFifoDeadLetterQueue(scope: Construct, workflow: WorkflowParts): sqs.Queue {
  return new sqs.Queue(scope, 'DeadLetterQueue', {
    ...queueDefaults(workflow.encryptionKey),
    queueName: undefined,
    fifo: true,
    removalPolicy: workflow.removalPolicy,
  });
}
