export {
  AccessDeniedError,
  CredentialsError,
  EncryptionKeyError,
  ResourceNotFoundError,
  type RefusedRequest,
} from '../aws/service-errors';
export { MissingPackageError } from '../aws/missing-package';
export { LockCacheAdapterMissingError, type LockCacheAdapter } from '../aws/lock-cache-adapter';
export { ForeignItemError } from '../aws/dynamodb/item';
export { MailboxBusyError } from '../aws/dynamodb/patience';
export { UnprocessedError } from '../aws/dynamodb/write-batch';
export { MessageRejectedError } from '../aws/batches/message-rejected';
export { ThrottledError } from '../aws/batches/throttled';
export { ConfigurationError } from '../aws/configuration-error';
export {
  EnvelopeTooLargeError,
  EventConflictError,
  ExecutionAlreadyExistsError,
  ExecutionEndedError,
  ExecutionNotFoundError,
  InvalidRequestError,
  InvalidTokenError,
  LocksUnavailableError,
  MailboxFullError,
  NotDispatchedError,
  NotFailedError,
  NotJsonError,
  NotResumableError,
} from '../engine/errors';
export type { CompleteOptions, CompleteResult } from '../engine/executions/complete';
export type {
  AttemptDescription,
  DescribeOptions,
  ExecutionDescription,
  StepDescription,
} from '../engine/executions/describe';
export type { DropResult } from '../engine/executions/drop-event';
export type { EventPage, ListEventsOptions, WaitingEvent } from '../engine/executions/list-events';
export type { RedriveOptions } from '../engine/executions/redrive';
export type { SendOptions, SendResult } from '../engine/executions/send';
export type { StartedExecution, StartRequest, StartResult } from '../engine/executions/start';
export type { Attempt, CheckpointOutcome } from '../engine/ports/journal';
export type { ExecutionStatus } from '../engine/ports/lock-store';
export type { Place } from '../engine/ports/place';
export type { Failure, Json, JsonObject } from '../machine/action';
export { FsmError } from '../machine/fsm-error';
export type { DescriptionOf, EventOf, EventOptions, MachineNamed, NameOf, StartRequestOf } from './typed';
export { WorkflowClient, type ClientOptions } from './workflow-client';
