import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { grantReceiveFrom, grantSendTo } from './grants';
import { queueDefaults, visibilityTimeout } from './queues';
import { whenComplete } from './when-complete';

/** The parts of a workflow that its failed invocations need. */
export interface FailedInvocationsOptions {
  readonly function: lambda.Function;
  readonly functionTimeout: Duration;
  readonly deadLetterQueue: sqs.IQueue;
  readonly encryptionKey?: kms.IKey;
  readonly removalPolicy: RemovalPolicy;
}

/** Number of times that the function retries a failed invocation before SQS dead-letters it. */
const MAX_RECEIVE_COUNT = 10;

/**
 * Recovers the events that Lambda stops retrying. EventBridge and SNS invoke a function asynchronously: Lambda retries a failed invocation after
 * one minute and after two, retries a throttled invocation for up to six hours, and then sends the whole event to a destination. The
 * destination is a queue that the function itself receives from, one event at a time:
 *
 *     SNS ── invokes ── dies ── dies ── dies ──▶ queue ── delivers ── the workflow counts the attempts, and fails the execution
 *
 * Without the queue, an execution whose action kills every invocation would never end. For records of a stream that are too old or were
 * retried too often, Lambda sends their place. The function reads them from the stream again, and sends them on.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 * @see https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
 */
export class FailedInvocations {
  private created?: sqs.Queue;
  private isDestination = false;

  constructor(
    private readonly scope: Construct,
    private readonly options: FailedInvocationsOptions,
  ) {}

  /** The queue, which is created on the first use. */
  public get queue(): sqs.Queue {
    return (this.created ??= this.createQueue());
  }

  /** Sends the asynchronous invocations that failed to the queue: a function has one destination for all of its asynchronous callers. */
  public receiveAsynchronous(): void {
    if (this.isDestination) return;
    this.isDestination = true;
    const { function: fn } = this.options;
    const destination = this.queue.queueArn;
    // When the app is complete: the options of the function, or its user with `configureAsyncInvoke`, may have created the configuration.
    whenComplete(fn, () => {
      const existing = fn.node.tryFindChild('EventInvokeConfig')?.node.defaultChild;
      if (!(existing instanceof lambda.CfnEventInvokeConfig)) {
        fn.configureAsyncInvoke({ onFailure: { bind: () => ({ destination }) } });
        return;
      }
      const destinations = existing.destinationConfig as
        lambda.CfnEventInvokeConfig.DestinationConfigProperty | undefined;
      existing.destinationConfig = { onFailure: { destination }, ...destinations };
    });
  }

  /** How the runtime recognizes the queue; undefined if nothing invokes the function asynchronously or by a stream. */
  public get configuration(): { readonly queueUrl: string; readonly maxReceiveCount: number } | undefined {
    return this.created && { queueUrl: this.created.queueUrl, maxReceiveCount: MAX_RECEIVE_COUNT };
  }

  private createQueue(): sqs.Queue {
    const { function: fn, functionTimeout, deadLetterQueue, encryptionKey, removalPolicy } = this.options;
    const queue = new sqs.Queue(this.scope, 'FailedInvocations', {
      ...queueDefaults(encryptionKey),
      removalPolicy,
      visibilityTimeout: visibilityTimeout(functionTimeout),
      deadLetterQueue: { queue: deadLetterQueue, maxReceiveCount: MAX_RECEIVE_COUNT },
    });
    grantReceiveFrom(queue, fn);
    // Lambda sends with the permissions of the function.
    grantSendTo(queue, fn);
    fn.addEventSourceMapping('FailedInvocations', {
      eventSourceArn: queue.queueArn,
      batchSize: 1,
      reportBatchItemFailures: true,
    });
    return queue;
  }
}
