import { Duration } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { ValidationContext, WorkflowParts } from './broker';
import type { ValidationErrors } from '../shared/validation-errors';
import { DURATION, MAPPING_METRICS, type TypesOf } from '../shared/value-types';

/** How Lambda reads a stream and delivers its records to the workflow's function. */
export interface StreamOptions {
  /**
   * Maximum number of records in one invocation.
   *
   * Valid range: 1 to 10,000.
   * @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
   *
   * @default 10
   */
  readonly batchSize?: number;
  /**
   * Maximum time that Lambda waits for a batch to fill.
   *
   * Valid range: 0 seconds to 5 minutes, in whole seconds.
   * @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
   *
   * @default - Lambda does not wait
   */
  readonly maxBatchingWindow?: Duration;
  /**
   * Maximum number of concurrent invocations for each shard of the stream. The records of one execution stay in order.
   *
   * Valid range: 1 to 10.
   * @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
   *
   * @default 10
   */
  readonly parallelizationFactor?: number;
  /**
   * Whether Lambda splits a batch in two when its invocation fails, which isolates a record that crashes the function.
   *
   * @default true
   */
  readonly bisectBatchOnError?: boolean;
  /**
   * Maximum number of times that Lambda retries a failed batch, and then discards it. The workflow counts the attempts of a step itself and
   * stores retries in its retry queue. So a batch fails only if an action ends the invocation, or during an outage in which the function
   * cannot store anything. Omit this option, so that no outage discards records.
   *
   * Valid range: the largest `maxRetries` of the machines plus 2, to 10,000. With fewer attempts, Lambda would discard the record of an
   * execution whose action ends every invocation before the workflow has counted its attempts and failed it.
   * @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
   *
   * @default - no limit: Lambda retries until the record is older than `maxRecordAge`
   */
  readonly retryAttempts?: number;
  /**
   * Whether Lambda reads the stream. Set it to false to pause the workflow.
   *
   * @default true
   */
  readonly enabled?: boolean;
  /**
   * The metrics of the event source mapping, which are billed.
   *
   * @default - none
   */
  readonly metricsConfig?: lambda.MetricsConfig;
}

export const STREAM_TYPES: TypesOf<StreamOptions> = { maxBatchingWindow: DURATION, metricsConfig: MAPPING_METRICS };

export const DEFAULT_MAX_RECORD_AGE = Duration.hours(12);

/**
 * Deliveries of a record, in addition to the retries of its step, until an execution fails whose action ends every invocation: the first
 * death may have been caused by another execution of the batch, and the last delivery finds that no attempt is left.
 */
const UNCOUNTED_DELIVERIES = 2;

export function checkStreamOptions(
  errors: ValidationErrors,
  options: StreamOptions,
  { machines }: ValidationContext,
): void {
  const maxRetries = Math.max(
    ...machines.flatMap(({ states }) => Object.values(states).map((state) => state.maxRetries)),
    0,
  );
  errors.checkInteger('batchSize', options.batchSize, { min: 1, max: 10_000, reason: 'Lambda limit' });
  errors.checkDuration('maxBatchingWindow', options.maxBatchingWindow, {
    min: Duration.seconds(0),
    max: Duration.minutes(5),
    reason: 'Lambda limit',
    acceptsTokens: true,
  });
  errors.checkInteger('parallelizationFactor', options.parallelizationFactor, {
    min: 1,
    max: 10,
    reason: 'Lambda limit',
  });
  errors.checkInteger('retryAttempts', options.retryAttempts, {
    min: maxRetries + UNCOUNTED_DELIVERIES,
    max: 10_000,
    reason: `the largest maxRetries of a state is ${maxRetries}; with fewer attempts, Lambda would discard executions that are still retried`,
  });
}

/** The settings that differ between Kinesis and DynamoDB Streams. */
export type StreamToMap = Pick<
  lambda.EventSourceMappingOptions,
  'eventSourceArn' | 'startingPosition' | 'maxRecordAge' | 'filters' | 'filterEncryption'
>;

/** Delivers the records of a stream to the workflow's function, which reads a record again that Lambda has discarded. */
export function mapStream(id: string, stream: StreamToMap, options: StreamOptions, workflow: WorkflowParts): void {
  workflow.function.addEventSourceMapping(id, {
    ...stream,
    maxRecordAge: stream.maxRecordAge ?? DEFAULT_MAX_RECORD_AGE,
    batchSize: options.batchSize ?? 10,
    maxBatchingWindow: options.maxBatchingWindow,
    parallelizationFactor: options.parallelizationFactor ?? 10,
    bisectBatchOnError: options.bisectBatchOnError ?? true,
    retryAttempts: options.retryAttempts,
    enabled: options.enabled,
    metricsConfig: options.metricsConfig,
    reportBatchItemFailures: true,
    // Lambda sends with the permissions of the function, which the queue grants.
    onFailure: { bind: () => ({ destination: workflow.failedInvocations.queue.queueArn }) },
  });
}
