/** The CloudWatch namespace of all metrics. */
export const METRIC_NAMESPACE = 'CdkLambdaFsm';

/** The dimensions of the metrics, from the widest to the narrowest. */
export const METRIC_DIMENSIONS = ['workflow', 'machine', 'state'] as const;

/** The metrics that are counted. */
export const METRIC_NAMES = [
  'Transition',
  'Completed',
  'Parked',
  'Error',
  'Fatal',
  'Retry',
  'Caught',
  'Duplicate',
  'Orphan',
  'Busy',
  'Delayed',
  'DispatchFailure',
  'Failover',
  'LockFailure',
  'CheckpointFailure',
  'DeadLetter',
  'Redelivery',
  'Timeout',
] as const;

export type MetricName = (typeof METRIC_NAMES)[number];

/**
 * The metrics that are measured in milliseconds. `StepDuration` is the time that the actions of a step take, by the state that the step
 * enters. `EnvelopeAge` is the time from when an envelope is sent, or due, until its step is acquired. `RetryLateness` is
 * the time by which the earliest due envelope of a page of the retry table is late when the timer reads it.
 */
export const MEASURE_NAMES = ['StepDuration', 'EnvelopeAge', 'RetryLateness'] as const;

export type MeasureName = (typeof MEASURE_NAMES)[number];
