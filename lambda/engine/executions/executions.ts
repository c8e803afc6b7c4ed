import { cancel } from './cancel';
import { complete, type CompleteOptions, type CompleteResult } from './complete';
import type { ExecutionsContext } from './context';
import { describe, type DescribeOptions, type ExecutionDescription } from './describe';
import { dropEvent, type DropResult } from './drop-event';
import { listEvents, type EventPage, type ListEventsOptions } from './list-events';
import { redrive, type RedriveOptions } from './redrive';
import { resume } from './resume';
import { send, type SendOptions, type SendResult } from './send';
import { Sender } from './sending/sender';
import { start, startMany, type StartedExecution, type StartRequest, type StartResult } from './start';
import type { ClientPorts, ExecutionStatus } from '../ports';
import { InFlight } from './sending/in-flight';

/** Maximum number of events that one client sends at once, within the 50 connections of an AWS client. */
const MAX_SENDS = 20;

/** The operations on executions, one file each. `WorkflowClient` and the test kit build on them, and document them for users. */
export class Executions {
  private readonly context: ExecutionsContext;
  private readonly sends = new InFlight(MAX_SENDS);

  /**
   * @param machines names of the machines that may be started; any machine if undefined
   * @param runTasks whether actions of the machines run tasks, so that a cancellation may have to stop one
   */
  constructor(ports: ClientPorts, machines: readonly string[] | undefined, runTasks = false) {
    this.context = { ports, sender: new Sender(ports), machines, runTasks };
  }

  /**
   * Starts an execution. When the promise resolves, the start is recorded and an event source has accepted it durably.
   *
   * @throws ExecutionAlreadyExistsError if the executionId belongs to an execution with another machine or another context
   * @throws InvalidRequestError for an unknown machine, or an invalid executionId or context
   * @throws NotJsonError for a context that is not JSON
   * @throws EnvelopeTooLargeError for a context that the workflow cannot carry
   * @throws NotDispatchedError if no event source accepted it
   */
  public start(request: StartRequest): Promise<StartedExecution> {
    return start(this.context, request);
  }

  /**
   * Starts many executions, in as few requests as the event source allows. A failure of one does not affect the others.
   *
   * @returns the outcome of each, in the order of the requests
   */
  public startMany(requests: readonly StartRequest[]): Promise<readonly StartResult[]> {
    return startMany(this.context, requests);
  }

  /**
   * Sends an event to an execution. The event is stored until the execution parks in a state that handles it, so it may be sent early.
   *
   * @throws InvalidRequestError for an invalid executionId, event or id, too much data, or an event that neither the state of the execution
   * nor a later one handles
   * @throws NotJsonError for data that is not JSON
   * @throws EventConflictError if the id was used with another event or other data
   * @throws ExecutionEndedError if the execution has completed or was canceled
   * @throws MailboxFullError if too many events of the same name wait for the execution
   * @throws MailboxBusyError if the mailbox stays throttled
   * @throws NotDispatchedError if the event is stored, but the parked execution could not be woken
   * @throws LocksUnavailableError if the lock cache does not respond
   */
  public send(executionId: string, event: string, options?: SendOptions): Promise<SendResult> {
    return this.sends.run(() => send(this.context, executionId, event, options));
  }

  /**
   * Sends an execution the event that it waits for, authorized by the callback token that it has handed out.
   *
   * @returns `spent` if the execution no longer waits for the token; the call then had no effect
   * @throws InvalidTokenError if this workflow has not issued the token
   * @throws InvalidRequestError for an event that the waiting state does not handle, or too much data
   * @throws NotJsonError for data that is not JSON
   * @throws EventConflictError if the token was used with the same event and other data
   * @throws MailboxBusyError if the mailbox stays throttled
   * @throws NotDispatchedError if the event is stored, but the parked execution could not be woken
   * @throws LocksUnavailableError if the lock cache does not respond
   */
  public complete(token: string, event: string, options?: CompleteOptions): Promise<CompleteResult> {
    return complete(this.context, token, event, options);
  }

  /**
   * Lists the events that wait for an execution, including early ones, at most 100 at a time.
   *
   * @throws InvalidRequestError for an invalid executionId or token
   * @throws LocksUnavailableError if the lock cache does not respond
   */
  public listEvents(executionId: string, options?: ListEventsOptions): Promise<EventPage> {
    return listEvents(this.context, executionId, options);
  }

  /**
   * Drops an event that waits for an execution. Its id stays known, so a repeated send of the same event has no effect.
   *
   * @throws InvalidRequestError for an invalid executionId or id
   * @throws NotDispatchedError if the present state takes the event, but the execution could not be woken
   * @throws LocksUnavailableError if the lock cache does not respond
   */
  public dropEvent(executionId: string, id: string): Promise<DropResult> {
    return dropEvent(this.context, executionId, id);
  }

  /**
   * Describes the status and the latest steps of an execution.
   *
   * @returns nothing if the execution does not exist
   * @throws InvalidRequestError for an invalid number of steps or token
   * @throws LocksUnavailableError if the lock cache does not respond
   */
  public describe(executionId: string, options?: DescribeOptions): Promise<ExecutionDescription | undefined> {
    return describe(this.context, executionId, options);
  }

  /**
   * Cancels an execution that has not completed. Repeat the call until it succeeds.
   *
   * @returns the resulting status: `completed` if the execution completed first
   * @throws ExecutionNotFoundError if the execution does not exist
   * @throws LocksUnavailableError if the lock cache does not respond
   */
  public cancel(executionId: string): Promise<'cancelled' | 'completed'> {
    return cancel(this.context, executionId);
  }

  /**
   * Sends the envelope of a failed execution again, with a fresh number of attempts. Repeat the call until it succeeds.
   *
   * @throws ExecutionNotFoundError if the execution does not exist
   * @throws NotFailedError if the execution has not failed
   * @throws NotDispatchedError if no event source accepted the envelope
   * @throws LocksUnavailableError if the lock cache does not respond
   */
  public redrive(executionId: string, options?: RedriveOptions): Promise<void> {
    return redrive(this.context, executionId, options);
  }

  /**
   * Sends the envelope that a stalled execution waits for again, as read from the place that its checkpoint records. A parked execution is
   * woken if an event that it handles is waiting. A healthy execution is not disturbed.
   *
   * @returns `resumed`, or the status of an execution that needs no resumption
   * @throws ExecutionNotFoundError if the execution does not exist
   * @throws NotResumableError if the envelope cannot be read: Amazon SQS and Amazon SNS cannot read single messages
   * @throws NotDispatchedError if no event source accepted the envelope
   * @throws LocksUnavailableError if the lock cache does not respond
   */
  public resume(executionId: string): Promise<'resumed' | ExecutionStatus> {
    return resume(this.context, executionId);
  }
}
