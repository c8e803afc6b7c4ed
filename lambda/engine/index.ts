export { actionsOf, exportOf, missingActions, type ActionLookup, type NamedAction } from './definitions/actions';
export { maxEnvelopeBytes } from './dispatch/envelope-sender';
export { decodeEnvelope, encodeEnvelope } from './envelope/codec';
export * from './envelope/envelope';
export { assertJson } from './envelope/json';
export { MAIL_BYTES } from './envelope/limits';
export * from './errors';
export type { CompleteOptions, CompleteResult } from './executions/complete';
export {
  describeExecution,
  type AttemptDescription,
  type DescribeOptions,
  type ExecutionDescription,
  type StepDescription,
} from './executions/describe';
export { Executions } from './executions/executions';
export type { RedriveOptions } from './executions/redrive';
export type { DropResult } from './executions/drop-event';
export type { EventPage, ListEventsOptions, WaitingEvent } from './executions/list-events';
export type { SendOptions, SendResult } from './executions/send';
export type { StartedExecution, StartRequest, StartResult } from './executions/start';
export type { EngineOptions } from './options';
export * from './ports';
export { asError } from './thrown';
export { Engine } from './step/engine';
export type { TimerPart } from './retries/send-due';
