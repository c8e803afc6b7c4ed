export type { WorkflowConfiguration } from '../aws/configuration';
export { ConfigurationError } from '../aws/parse-configuration';
export {
  EnvelopeTooLargeError,
  ExecutionEndedError,
  ExecutionNotFoundError,
  InvalidRequestError,
  InvalidTokenError,
  MailboxFullError,
  NotDispatchedError,
  NotFailedError,
  NotJsonError,
  NotResumableError,
} from '../engine';
export type {
  AttemptDescription,
  CompleteOptions,
  CompleteResult,
  ExecutionDescription,
  ExecutionStatus,
  Place,
  RedriveOptions,
  SendOptions,
  SendResult,
  StartedExecution,
  StartRequest,
  StartResult,
  StepDescription,
} from '../engine';
export { WorkflowClient } from './workflow-client';
