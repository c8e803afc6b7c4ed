import type { DescriptionOf, EventOf, EventOptions, MachineNamed, NameOf, StartRequestOf } from './typed';
import { readClientConfiguration } from '../aws/client-configuration';
import { connectorOf, type LockCacheAdapter } from '../aws/lock-cache-adapter';
import { WORKFLOW_VARIABLE } from '../contract/environment';
import type { CompleteOptions, CompleteResult } from '../engine/executions/complete';
import type { DescribeOptions } from '../engine/executions/describe';
import type { DropResult } from '../engine/executions/drop-event';
import { Executions } from '../engine/executions/executions';
import type { EventPage, ListEventsOptions } from '../engine/executions/list-events';
import type { RedriveOptions } from '../engine/executions/redrive';
import type { SendOptions, SendResult } from '../engine/executions/send';
import type { StartedExecution, StartResult } from '../engine/executions/start';
import { assertMachine } from '../engine/executions/validate';
import type { ExecutionStatus } from '../engine/ports/lock-store';
import type { MachineInput } from '../machine/input';

/** The operations of a client. The test kit provides them over services in memory. */
export type ClientOperations = Pick<Executions, keyof Executions>;

/** Creates a client over given operations. Only the test kit calls it, so the constructor stays the one that users see. */
export let clientOver: <Machines>(
  machines: readonly string[],
  operations: ClientOperations,
) => WorkflowClient<Machines>;

/** What the client of some workflows needs beside its configuration. */
export interface ClientOptions {
  /**
   * The adapter for a workflow with a lock cache: `lockCache` of `cdk-lambda-fsm/client/lock-cache`. Other clients thus do not contain it.
   *
   * @default - the locks are in a table
   */
  readonly lockCache?: LockCacheAdapter;
}

/**
 * Starts executions of a deployed workflow, sends events to them, and describes and controls them.
 *
 * Create one client outside of the handler and reuse it: it keeps connections open. It loads the AWS clients of the services that the
 * workflow uses, on the first call. The workflow construct grants the permissions: `grantStart`, `grantSend`, `grantDescribe`,
 * `grantRedrive`, `grantResume` and `grantCancel`.
 *
 * Every error is an {@link FsmError} with a stable `code`, except errors of the AWS SDK that may be temporary, such as throttling and
 * timeouts. Each method that contacts AWS also throws:
 * - AccessDeniedError if the caller lacks a permission;
 * - ResourceNotFoundError if a table, queue, stream or topic of the workflow does not exist;
 * - CredentialsError if the credentials are missing, invalid or expired;
 * - ThrottledError as the cause of a NotDispatchedError if the event source throttled the request for ten seconds;
 * - MessageRejectedError as the cause of a NotDispatchedError if the event source accepted the request, but not its message;
 * - EncryptionKeyError if the AWS KMS key of a resource cannot be used;
 * - ForeignItemError if a table contains an item that this library did not write;
 * - MissingPackageError if a package for the lock cache is not installed.
 *
 * @example
 * ```ts
 * const client = WorkflowClient.fromEnvironment();
 *
 * export async function handler(order: Order) {
 *   await client.start({ machine: 'order', executionId: order.id, context: { sku: order.sku } });
 * }
 * ```
 */
export class WorkflowClient<Machines = MachineInput> {
  static {
    clientOver = <M>(machines: readonly string[], operations: ClientOperations) => {
      // A client is its two fields: the constructor only reads them from a configuration.
      const client = Object.create(WorkflowClient.prototype) as WorkflowClient<M>;
      client.machines = machines;
      client.connect = () => Promise.resolve(operations);
      return client;
    };
  }

  /**
   * Creates the client of the workflow whose configuration is in an environment variable. Set the variable in the CDK app:
   * `environment: { FSM_WORKFLOW: workflow.clientConfiguration }`.
   *
   * @param variable name of the environment variable, `FSM_WORKFLOW` by default
   * @param options what the client of some workflows needs
   * @returns a client that connects on its first call
   * @throws ConfigurationError if the variable is not set or holds an invalid configuration
   * @throws LockCacheAdapterMissingError if the workflow has a lock cache, and the options lack its adapter
   *
   * @example
   * ```ts
   * const client = WorkflowClient.fromEnvironment();
   * ```
   */
  public static fromEnvironment<Machines = MachineInput>(
    variable: string = WORKFLOW_VARIABLE,
    options: ClientOptions = {},
  ): WorkflowClient<Machines> {
    return new WorkflowClient(process.env[variable] ?? '', options);
  }

  /** Names of the machines that may be started; undefined if there are too many for the configuration. */
  private machines: readonly string[] | undefined;
  private connect: () => Promise<ClientOperations>;
  private operations?: Promise<ClientOperations>;

  /**
   * Creates a client that connects on its first call.
   *
   * @param configuration the `clientConfiguration` of the workflow, as JSON text or parsed
   * @param options what the client of some workflows needs
   * @throws ConfigurationError if the configuration is invalid
   * @throws LockCacheAdapterMissingError if the workflow has a lock cache, and the options lack its adapter
   *
   * @example
   * ```ts
   * const client = new WorkflowClient(process.env.ORDERS_WORKFLOW ?? '');
   * ```
   */
  constructor(configuration: string | object, { lockCache }: ClientOptions = {}) {
    const checked = readClientConfiguration(configuration);
    if (checked.lockTable.service === 'elasticache') connectorOf(checked.workflow, lockCache);
    this.machines = checked.machines;
    this.connect = async () => {
      const { connectClient } = await import('../aws/connect-client.js');
      return new Executions(await connectClient(checked, undefined, lockCache), checked.machines, checked.ecsTasks);
    };
  }

  /**
   * Returns this client with the types of one machine: the compiler then knows its context, its events and their data.
   *
   * @param machine the machine, as `defineMachine` returns it, or its name if the client knows the types of its machines
   * @returns the same client
   * @throws InvalidRequestError if the workflow has no such machine
   *
   * @example
   * ```ts
   * const orders = client.of(order);
   * await orders.send('order-17', 'paid', { data: { cents: 1_998 } });
   * ```
   */
  public of<M extends MachineInput>(machine: M): WorkflowClient<M>;
  public of<Name extends NameOf<Machines>>(machine: Name): WorkflowClient<MachineNamed<Machines, Name>>;
  public of(machine: MachineInput | string): unknown {
    assertMachine(typeof machine === 'string' ? machine : machine.name, this.machines);
    return this;
  }

  /**
   * Starts an execution. When the promise resolves, the execution is recorded and an event source has accepted it durably. It is `pending`
   * until its first step begins.
   *
   * Starting the same executionId twice runs one execution, so a start that failed can be repeated with the same id.
   *
   * @param request machine, executionId and context of the execution
   * @returns the id of the execution, and whether this call has `started` it or it `exists`
   * @throws ExecutionAlreadyExistsError if the executionId belongs to an execution with another machine or another context
   * @throws InvalidRequestError for an unknown machine, or an invalid executionId or context
   * @throws NotJsonError for a context that is not JSON
   * @throws EnvelopeTooLargeError for a context that the workflow cannot carry
   * @throws NotDispatchedError if no event source accepted the execution; `cause` is the reason
   * @throws LocksUnavailableError if the lock cache does not respond
   *
   * @example
   * ```ts
   * const { outcome } = await client.start({ machine: 'order', executionId: 'order-17', context: { sku: 'tea' } });
   * ```
   */
  public async start(request: StartRequestOf<Machines>): Promise<StartedExecution> {
    return (await this.connected()).start(asJson(request));
  }

  /**
   * Starts many executions, in as few requests as the event source allows. A failure of one does not affect the others. Bounds the requests
   * in flight, and slows down while the event source throttles. If the event source accepts nothing for ten seconds, the remaining starts
   * fail without further requests.
   *
   * @param requests any number of executions
   * @returns for each request, in order, its executionId and its `outcome`: `started` or `exists` as of {@link start}, or `failed` with the
   *   `error` that `start` throws
   *
   * @example
   * ```ts
   * const results = await client.startMany(orders.map(({ id, sku }) => ({ machine: 'order', executionId: id, context: { sku } })));
   * const failed = results.filter(({ outcome }) => outcome === 'failed');
   * ```
   */
  public async startMany(requests: readonly StartRequestOf<Machines>[]): Promise<readonly StartResult[]> {
    return (await this.connected()).startMany(asJson(requests));
  }

  /**
   * Sends an event to an execution. The event is stored durably until the execution waits in a state that handles it, so it may be sent
   * early, even before the start.
   *
   * To make a send repeatable, give the event an id: events with the same id, name and data count once.
   *
   * @param executionId the execution
   * @param event name of the event: 1 to 256 characters that do not begin with `$`
   * @param options id and data of the event
   * @returns `woken` if the execution waits for the event and has been woken, `waiting` if the event waits for a later state, `early` if no
   * execution has this id yet, `duplicate` if the same event was accepted before
   * @throws InvalidRequestError for an invalid executionId, event or id, more than 60 KiB of data, or an event that neither the state of the
   * execution nor a later state handles
   * @throws NotJsonError for data that is not JSON
   * @throws EventConflictError if the id was used with another event or other data
   * @throws ExecutionEndedError if the execution has completed or was canceled
   * @throws MailboxFullError if 2,000 events or 8 MiB of events of this name wait for the execution
   * @throws MailboxBusyError if the mailbox stays throttled for 20 seconds; send again with the same id
   * @throws NotDispatchedError if the event is stored, but the execution could not be woken; send again with the same id
   * @throws LocksUnavailableError if the lock cache does not respond
   *
   * @example
   * ```ts
   * await client.send('order-17', 'paid', { id: payment.id, data: { amount: 12.5 } });
   * ```
   */
  public async send<Event extends EventOf<Machines>>(
    executionId: string,
    event: Event,
    ...[options]: EventOptions<Machines, Event, SendOptions>
  ): Promise<SendResult> {
    return (await this.connected()).send(executionId, event, asJson(options));
  }

  /**
   * Sends an execution the event that it waits for. The callback token, which an action obtained with `run.callbackToken()` and handed out,
   * authorizes the call, so the caller need not know the executionId.
   *
   * The event may be sent before the execution waits, and may be sent twice with the same data. If one token is used with several events, the first event that
   * the state handles counts.
   *
   * @param token the token, unchanged
   * @param event name of an event that the waiting state handles
   * @param options data of the event
   * @returns `accepted` if the event is stored, `spent` if the execution no longer waits for the token; the call then had no effect
   * @throws InvalidTokenError if this workflow has not issued the token
   * @throws InvalidRequestError for an event that the waiting state does not handle, or more than 60 KiB of data
   * @throws NotJsonError for data that is not JSON
   * @throws EventConflictError if the token was used with the same event and other data
   * @throws MailboxBusyError if the mailbox stays throttled for 20 seconds; call again
   * @throws NotDispatchedError if the event is stored, but the execution could not be woken; call again
   * @throws LocksUnavailableError if the lock cache does not respond
   *
   * @example
   * ```ts
   * if ((await client.complete(token, 'approved', { data: { by: 'Ada' } })) === 'spent') return 'This request was already decided.';
   * ```
   */
  public async complete<Event extends EventOf<Machines>>(
    token: string,
    event: Event,
    ...[options]: EventOptions<Machines, Event, CompleteOptions>
  ): Promise<CompleteResult> {
    return (await this.connected()).complete(token, event, asJson(options));
  }

  /**
   * Lists the events that were sent to an execution and that it has not taken, including events that were sent before it was started.
   *
   * @param executionId the execution
   * @param options the token of the page
   * @returns at most 100 events, and a token if there are more
   * @throws InvalidRequestError for an invalid executionId or token
   * @throws LocksUnavailableError if the lock cache does not respond
   *
   * @example
   * ```ts
   * const { events, nextToken } = await client.listEvents('order-17');
   * ```
   */
  public async listEvents(executionId: string, options?: ListEventsOptions): Promise<EventPage> {
    return (await this.connected()).listEvents(executionId, options);
  }

  /**
   * Drops an event that waits for an execution. Its id stays known, so sending the same event again has no effect.
   *
   * @param executionId the execution
   * @param id the id of the event
   * @returns `dropped` if the execution never takes the event, `taken` if it has taken the event or its present state takes it, `unknown` if no
   * event with this id waits
   * @throws InvalidRequestError for an invalid executionId or id
   * @throws NotDispatchedError if the present state takes the event, but the execution could not be woken; call again
   * @throws LocksUnavailableError if the lock cache does not respond
   *
   * @example
   * ```ts
   * await client.dropEvent('order-17', 'reminder-3');
   * ```
   */
  public async dropEvent(executionId: string, id: string): Promise<DropResult> {
    return (await this.connected()).dropEvent(executionId, id);
  }

  /**
   * Describes an execution: its status, state, context, waiting events, and the attempts at its latest steps. A description has at most
   * 100 steps by default; its `nextToken` leads to the steps before them.
   *
   * @param executionId the execution
   * @param options which steps the description contains
   * @returns the description, or `undefined` if the execution does not exist, or its record has expired
   * @throws InvalidRequestError for an invalid number of steps or token
   * @throws LocksUnavailableError if the lock cache does not respond
   *
   * @example
   * ```ts
   * const order = await client.describe('order-17');
   * if (order?.status === 'failed') console.error(order.error?.message);
   * ```
   */
  public async describe(executionId: string, options?: DescribeOptions): Promise<DescriptionOf<Machines> | undefined> {
    const description = (await this.connected()).describe(executionId, options);
    // The caller of the constructor has declared the machines, and thereby the names and the context.
    return description as Promise<DescriptionOf<Machines> | undefined>;
  }

  /**
   * Resumes a stalled execution, for example after messages of a queue were lost. The client reads the envelope that the execution waits for
   * from the event source and sends it again. A parked execution is woken if an event that it handles is waiting. A healthy execution is not
   * disturbed.
   *
   * @param executionId the execution
   * @returns `resumed`, or the status of an execution that needs no resumption: `running` while its lease is valid
   * @throws ExecutionNotFoundError if the execution does not exist
   * @throws NotResumableError if the envelope cannot be read: Amazon SQS and Amazon SNS cannot read single messages
   * @throws NotDispatchedError if no event source accepted the envelope; call again
   * @throws LocksUnavailableError if the lock cache does not respond
   *
   * @example
   * ```ts
   * const status = await client.resume('order-17');
   * ```
   */
  public async resume(executionId: string): Promise<'resumed' | ExecutionStatus> {
    return (await this.connected()).resume(executionId);
  }

  /**
   * Cancels an execution that has not completed, even if it has not begun. No further step begins, even if envelopes, retries, events or timeouts are in flight. An
   * action that is running is not stopped, but its result is discarded. The workflow stops a task on Amazon ECS that the execution waits
   * for, if possible.
   *
   * Repeat a call that failed until it succeeds; repetition is safe.
   *
   * @param executionId the execution
   * @returns `cancelled`, or `completed` if the execution completed first
   * @throws ExecutionNotFoundError if the execution does not exist
   * @throws UnprocessedError if the checkpoint table is throttled; call again
   * @throws LocksUnavailableError if the lock cache does not respond
   *
   * @example
   * ```ts
   * if ((await client.cancel('order-17')) === 'completed') console.log('The order was already complete.');
   * ```
   */
  public async cancel(executionId: string): Promise<'cancelled' | 'completed'> {
    return (await this.connected()).cancel(executionId);
  }

  /**
   * Resumes a failed execution from its failed step, with the context that the step began with and a fresh number of attempts.
   *
   * Repeat a call that failed until it succeeds; repetition is safe.
   *
   * @param executionId the execution
   * @param options whether the execution moves to the deployed definition of its machine
   * @throws ExecutionNotFoundError if the execution does not exist
   * @throws NotFailedError if the execution has not failed
   * @throws NotDispatchedError if no event source accepted the envelope; call again
   * @throws LocksUnavailableError if the lock cache does not respond
   *
   * @example
   * ```ts
   * await client.redrive('order-17');
   * ```
   */
  public async redrive(executionId: string, options?: RedriveOptions): Promise<void> {
    return (await this.connected()).redrive(executionId, options);
  }

  /** Connects on the first call. */
  private connected(): Promise<ClientOperations> {
    this.operations ??= this.connect();
    return this.operations;
  }
}

/** Erases declared types, which may be interfaces: they lack the index signature of JSON. The operations check that the value is JSON. */
function asJson<T>(value: object | undefined): T {
  return value as T;
}
