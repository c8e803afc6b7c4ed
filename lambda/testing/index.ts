export { EnvironmentDiedError } from './bench/execution-environment';
export { EndlessRunError, type RunOptions, type SimulatedWorkflowOptions } from './bench/simulated-workflow';
export { MEASURE_NAMES, METRIC_NAMES } from '../contract/metrics';
export { SeededRandom } from './determinism/seeded-random';
export { VIRTUAL_EPOCH } from './determinism/virtual-clock';
export {
  InjectedError,
  InjectedRefusalError,
  type CallName,
  type Fault,
  type FaultEffect,
  type FaultHit,
  type FaultRule,
  type FaultTarget,
  type ServiceCall,
} from './faults/faults';
export type { Measurement, MetricTotal, WorkflowMetrics } from './recording/recorded-metrics';
export type { RecordedAction, RecordedAttempt, RecordedStep } from './recording/recorder';
export type { EventSourceKind, RetryQueueKind, ServiceOptions } from './services/in-memory-services';
export { Effects, type RepeatedEffect } from './simulation/effects';
export { SimulationReport, type SimulationProblem } from './simulation/report';
export { simulate, type SimulateOptions } from './simulation/simulate';
export type { TestExecution } from './test-execution';
export { TestWorkflow, type Duration, type TestWorkflowOptions } from './test-workflow';

// The types of the engine that appear in the signatures above.
export type {
  Attempt,
  AttemptDescription,
  CheckpointOutcome,
  CompleteOptions,
  CompleteResult,
  DeadLetter,
  ExecutionDescription,
  ExecutionStatus,
  MeasureName,
  MetricName,
  Place,
  RedriveOptions,
  SendOptions,
  SendResult,
  StartRequest,
  StepDescription,
} from '../engine';
