import { Duration } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { WorkflowParts } from './binding';
import type { Problems } from './problems';

/** How a stream delivers its records to the workflow's function. */
export interface StreamOptions {
  /**
   * Most records in one invocation.
   *
   * Valid range: 1 to 10,000.
   * @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
   *
   * @default 10
   */
  readonly batchSize?: number;
  /**
   * How long Lambda waits for a batch to fill.
   *
   * Valid range: 0 seconds to 5 minutes, in whole seconds.
   * @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
   *
   * @default - none
   */
  readonly maxBatchingWindow?: Duration;
  /**
   * Most invocations at once for each shard of the stream; those of one execution stay in order.
   *
   * Valid range: 1 to 10.
   * @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
   *
   * @default 10
   */
  readonly parallelizationFactor?: number;
  /**
   * Whether Lambda halves a batch whose invocation failed as a whole, and so closes in on the record that kills it.
   *
   * @default true
   */
  readonly bisectBatchOnError?: boolean;
  /**
   * How often Lambda invokes the function again for a batch that failed. The workflow counts the attempts of a step itself, and stores
   * retries in its retry queue, so this is about outages, in which nothing can be stored.
   *
   * Valid range: 0 to 10,000.
   * @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
   *
   * @default - until the record is older than `maxRecordAge`
   */
  readonly retryAttempts?: number;
}

export const DEFAULT_MAX_RECORD_AGE = Duration.hours(12);

export function checkStreamOptions(problems: Problems, options: StreamOptions): void {
  problems.wholeNumber('batchSize', options.batchSize, 1, 10_000, 'the limit of Lambda');
  problems.duration('maxBatchingWindow', options.maxBatchingWindow, Duration.seconds(0), Duration.minutes(5), 'the limit of Lambda');
  problems.wholeNumber('parallelizationFactor', options.parallelizationFactor, 1, 10, 'the limit of Lambda');
  problems.wholeNumber('retryAttempts', options.retryAttempts, 0, 10_000, 'the limit of Lambda');
}

/** What is not the same for each stream. */
export type StreamToMap = Pick<lambda.EventSourceMappingOptions, 'eventSourceArn' | 'startingPosition' | 'maxRecordAge' | 'filters'>;

/** Lets the workflow's function be invoked with the records of a stream. What Lambda gives up is told to the dead-letter queue. */
export function mapStream(id: string, stream: StreamToMap, options: StreamOptions, workflow: WorkflowParts): void {
  workflow.function.addEventSourceMapping(id, {
    ...stream,
    maxRecordAge: stream.maxRecordAge ?? DEFAULT_MAX_RECORD_AGE,
    batchSize: options.batchSize ?? 10,
    maxBatchingWindow: options.maxBatchingWindow,
    parallelizationFactor: options.parallelizationFactor ?? 10,
    bisectBatchOnError: options.bisectBatchOnError ?? true,
    retryAttempts: options.retryAttempts,
    reportBatchItemFailures: true,
    // The function may send to the dead-letter queue as it is.
    onFailure: { bind: () => ({ destination: workflow.deadLetterQueue.queueArn }) },
  });
}
