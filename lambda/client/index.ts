export type { WorkflowConfiguration } from '../aws/configuration';
export { ConfigurationError } from '../aws/parse-configuration';
export {
  EnvelopeTooLargeError,
  ExecutionEndedError,
  ExecutionNotFoundError,
  InvalidRequestError,
  NotDispatchedError,
  NotFailedError,
  NotJsonError,
} from '../engine';
export type {
  AttemptDescription,
  ExecutionDescription,
  ExecutionStatus,
  Place,
  SendOptions,
  SendResult,
  StartedExecution,
  StartRequest,
  StartResult,
  StepDescription,
} from '../engine';
export { WorkflowClient } from './workflow-client';
