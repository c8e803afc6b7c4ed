import { Annotations, Lazy, Names, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import {
  CODE_FILES,
  METRIC_NAMESPACE,
  WORKFLOW_VARIABLE,
  type LockStoreConfiguration,
  type WorkflowConfiguration,
} from '#contract';
import { checkActions } from './code/check-actions';
import { jsonFile } from './code/workflow-code';
import type { FsmWorkflowAttributes } from './fsm-workflow-attributes';
import { FsmWorkflowBase, namesForClients, type IFsmWorkflow } from './fsm-workflow-base';
import type { FsmWorkflowProps } from './fsm-workflow-props';
import { checkConfiguration, checkEnvironmentSize, environmentOf } from './function-environment';
import { ImportedWorkflow } from './imported-workflow';
import { validateProps } from './validate-props';
import { createFunction, timeoutOf, type WorkflowFunctionOptions } from './workflow-function';
import { WorkflowGrants } from './workflow-grants';
import type { Broker, BrokerResource, WorkflowParts } from '../brokers/broker';
import { brokerScope } from '../brokers/broker-scope';
import { concurrencyLimitsOf } from '../machines/concurrency-limits';
import { addAlarms, type WorkflowAlarms, type WorkflowAlarmsOptions } from '../monitoring/alarms';
import { addDashboard, type WorkflowDashboardOptions } from '../monitoring/dashboard';
import { MetricDelivery } from '../monitoring/metric-delivery';
import type { MonitoredWorkflow } from '../monitoring/monitored-workflow';
import { FailedInvocations } from '../shared/failed-invocations';
import { grantPutMetrics, grantSendTo, grantTable } from '../shared/grants';
import { queueDefaults } from '../shared/queues';
import { whenComplete } from '../shared/when-complete';
import { CheckpointTable, type ICheckpointTable } from '../stores/checkpoint-table';
import { connectToCache, type ILockCache } from '../stores/lock-cache';
import { bindLockCache, bindLockTable, type LockStoreConfig } from '../stores/lock-store';
import { LockTable, type ILockTable } from '../stores/lock-table';
import { tableConfiguration } from '../stores/tables';
import type { EcsTaskAction, EcsTaskOptions } from '../tasks/ecs-task-action';
import { EcsTasks } from '../tasks/ecs-tasks';

/**
 * A durable workflow: it runs the executions of state machines in a Lambda function, and creates the queues and tables that they need.
 *
 * ```ts
 * const workflow = new FsmWorkflow(this, 'Orders', {
 *   machines: [MachineDefinition.fromYamlFile('order.yaml')],
 *   actions: path.join(__dirname, 'order.actions.ts'),
 * });
 * workflow.grantStart(api);
 * api.addEnvironment('FSM_WORKFLOW', workflow.clientConfiguration);
 * ```
 *
 * If machines, actions or properties are invalid, synthesis fails with one error message that lists all of them.
 */
export class FsmWorkflow extends FsmWorkflowBase implements iam.IGrantable, MonitoredWorkflow {
  /**
   * Uses a workflow of another stack or app: grants permissions on it, passes its configuration to clients, and reads its metrics.
   *
   * ```ts
   * const orders = FsmWorkflow.fromAttributes(this, 'Orders', {
   *   workflowName: 'orders',
   *   machineNames: ['order'],
   *   eventSource: EventSource.sqs({ queue: Queue.fromQueueArn(this, 'Events', eventsArn) }),
   *   retryQueue: RetryQueue.sqs({ queue: Queue.fromQueueArn(this, 'Retries', retriesArn) }),
   *   lockTable: LockTable.fromTable(Table.fromTableName(this, 'Locks', 'locks')),
   *   checkpointTable: CheckpointTable.fromTable(Table.fromTableName(this, 'Checkpoints', 'checkpoints')),
   *   deadLetterQueue: Queue.fromQueueArn(this, 'DeadLetters', deadLettersArn),
   * });
   * orders.grantStart(api);
   * ```
   *
   * @throws Error that lists all invalid attributes
   */
  public static fromAttributes(scope: Construct, id: string, attributes: FsmWorkflowAttributes): IFsmWorkflow {
    return new ImportedWorkflow(scope, id, attributes);
  }

  /** The function that runs the transitions. */
  public readonly function: lambda.Function;
  /** The principal to grant the permissions that the actions need, for example `bucket.grantRead(workflow)`. */
  public readonly grantPrincipal: iam.IPrincipal;
  /** Name of the workflow, which is a dimension of its metrics. */
  public readonly workflowName: string;
  /** Names of the machines that the workflow runs. */
  public readonly machineNames: string[];
  /** The table that stores the leases; undefined with a `lockCache`. */
  public readonly lockTable?: ILockTable;
  /** The cache that stores the leases; undefined with a `lockTable`. */
  public readonly lockCache?: ILockCache;
  /** The table that stores the journals and the mailboxes. */
  public readonly checkpointTable: ICheckpointTable;
  /** The queue for messages that are not retried automatically. */
  public readonly deadLetterQueue: sqs.IQueue;
  /** The resource that delivers the envelopes. */
  public readonly eventSource: BrokerResource;
  /** The resource that delivers the envelopes while the event source is unavailable. */
  public readonly failoverEventSource?: BrokerResource;
  /** The resource that holds the envelopes of failed steps until they are retried. */
  public readonly retryQueue: BrokerResource;
  /** The resource that holds the envelopes of failed steps while the retry queue is unavailable. */
  public readonly failoverRetryQueue?: BrokerResource;
  /**
   * The configuration of clients: JSON with names, ARNs and URLs, without secrets. Pass it to a function that starts executions in the
   * environment variable `FSM_WORKFLOW`, and create the client with `WorkflowClient.fromEnvironment()`.
   */
  public readonly clientConfiguration: string;

  /** @internal */
  public readonly _failedInvocations: FailedInvocations;
  private readonly ecsTasks: EcsTasks;
  /** @internal */
  protected readonly _grants: WorkflowGrants;

  /** @throws Error that lists all errors in the machines, the actions and the properties */
  constructor(scope: Construct, id: string, props: FsmWorkflowProps) {
    super(scope, id);
    const validated = validateProps(this, props);
    for (const warning of validated.warnings) Annotations.of(this).addWarningV2('cdk-lambda-fsm:definition', warning);

    const { encryptionKey, deletionProtection, removalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE } = props;
    this.workflowName = props.workflowName ?? Names.uniqueResourceName(this, { maxLength: 100, separator: '-' });
    this.machineNames = validated.machines.map(({ name }) => name);
    const { lockTable, locks } = lockStoreOf(this, props, removalPolicy);
    this.lockTable = lockTable;
    this.lockCache = props.lockCache;
    this.checkpointTable =
      props.checkpointTable ??
      new CheckpointTable(this, 'CheckpointTable', { encryptionKey, removalPolicy, deletionProtection });
    this.deadLetterQueue =
      props.deadLetterQueue ??
      new sqs.Queue(this, 'DeadLetterQueue', { ...queueDefaults(encryptionKey), removalPolicy });
    this.function = createFunction(
      this,
      this.workflowName,
      validated.code,
      functionOptionsOf(props),
      encryptionKey,
      removalPolicy,
    );
    this.grantPrincipal = this.function.grantPrincipal;
    if (props.lockCache) connectToCache(this.function, props.lockCache);

    this._failedInvocations = new FailedInvocations(this, {
      function: this.function,
      functionTimeout: timeoutOf(props),
      deadLetterQueue: this.deadLetterQueue,
      encryptionKey,
      removalPolicy,
    });
    this.ecsTasks = new EcsTasks(
      this,
      [...validated.machines, ...validated.previousMachines],
      this.function,
      this._failedInvocations,
    );

    const parts: WorkflowParts = {
      function: this.function,
      functionTimeout: timeoutOf(props),
      checkpointTable: this.checkpointTable,
      deadLetterQueue: this.deadLetterQueue,
      failedInvocations: this._failedInvocations,
      encryptionKey,
      removalPolicy,
      deletionProtection,
    };
    const { brokers } = validated;
    const bind = <Configuration>(role: 'EventSource' | 'RetryQueue', broker: Broker<Configuration>) =>
      broker.bind(brokerScope(this, role, broker), parts);
    const eventSource = bind('EventSource', brokers.eventSource);
    const failoverEventSource = brokers.failoverEventSource && bind('EventSource', brokers.failoverEventSource);
    const previousEventSources = brokers.previousEventSources.map((broker) => bind('EventSource', broker));
    const retryQueue = bind('RetryQueue', brokers.retryQueue);
    const failoverRetryQueue = brokers.failoverRetryQueue && bind('RetryQueue', brokers.failoverRetryQueue);
    const previousRetryQueues = brokers.previousRetryQueues.map((broker) => bind('RetryQueue', broker));
    this.eventSource = eventSource.resource;
    this.failoverEventSource = failoverEventSource?.resource;
    this.retryQueue = retryQueue.resource;
    this.failoverRetryQueue = failoverRetryQueue?.resource;
    const eventSources = failoverEventSource ? [eventSource, failoverEventSource] : [eventSource];
    const retryQueues = failoverRetryQueue ? [retryQueue, failoverRetryQueue] : [retryQueue];
    this._grants = new WorkflowGrants(this, {
      locks,
      checkpointTable: this.checkpointTable.table,
      // Clients that are deployed later still send to the previous event sources.
      eventSources: [...eventSources, ...previousEventSources],
      retryQueues: [...retryQueues, ...previousRetryQueues],
    });

    const configuration = () =>
      ({
        workflow: this.workflowName,
        eventSource: eventSource.configuration,
        failoverEventSource: failoverEventSource?.configuration,
        retryQueues: retryQueues.map((queue) => queue.configuration),
        previousRetryQueues:
          previousRetryQueues.length > 0 ? previousRetryQueues.map((queue) => queue.configuration) : undefined,
        lockTable: locks.configuration,
        checkpointTable: tableConfiguration(this.checkpointTable),
        deadLetterQueue: { service: 'sqs', queueUrl: this.deadLetterQueue.queueUrl },
        failedInvocations: this._failedInvocations.configuration,
        ecsTasks: this.ecsTasks.isEmpty ? undefined : true,
        eagerCommit: props.eagerCommit,
        logErrorMessages: props.logErrorMessages,
        putMetrics: props.metricDelivery === MetricDelivery.PUT_METRIC_DATA ? true : undefined,
        tracing: props.tracing === lambda.Tracing.ACTIVE ? true : undefined,
      }) satisfies WorkflowConfiguration;
    // An environment is limited to 4 KB.
    const large = { machines: this.machineNames, maxRunningExecutions: concurrencyLimitsOf(props.machines) };
    // Lazy, because tasks are added later.
    this.clientConfiguration = Lazy.string({
      produce: () => {
        const { region } = Stack.of(this);
        return Stack.of(this).toJsonString({
          ...configuration(),
          machines: namesForClients(this.machineNames),
          region,
        });
      },
    });
    const ownConfiguration = Lazy.string({ produce: () => Stack.of(this).toJsonString(configuration()) });
    this.function.addEnvironment(WORKFLOW_VARIABLE, ownConfiguration);
    let code = '';
    whenComplete(this, () => {
      code = validated.code.stage({ ...this.ecsTasks.files(), [CODE_FILES.configuration]: jsonFile(large) });
    });
    this.node.addValidation({
      validate: () => [
        ...checkConfiguration(this.function, ownConfiguration),
        ...checkEnvironmentSize(this.function),
        ...this.checkActions(code, validated.actionsFile),
      ],
    });

    locks.grantAcquire(this);
    // PutItem and UpdateItem: the function sends the ends of timeouts and tasks to the mailboxes of executions.
    grantTable(
      this.checkpointTable.table,
      this,
      'BatchWriteItem',
      'DeleteItem',
      'GetItem',
      'PutItem',
      'Query',
      'UpdateItem',
    );
    grantSendTo(this.deadLetterQueue, this);
    for (const { grantSend } of [...eventSources, ...retryQueues]) grantSend(this);
    if (props.metricDelivery === MetricDelivery.PUT_METRIC_DATA) grantPutMetrics(METRIC_NAMESPACE, this);
  }

  /**
   * Runs an action as a task on Amazon ECS: the states whose `do` names the action start the task, and wait until the task has stopped.
   *
   * The container needs no library. Its environment contains `FSM_EXECUTION_ID`, `FSM_STEP`, `FSM_CONTEXT` (the members of the context that the option `context` names, as JSON) and `FSM_CALLBACK_TOKEN`.
   * Its exit code determines the event that the execution receives. The data of that event (`run.data`) contains the `taskArn` and, if known,
   * the `exitCode`, `stopCode` and `reason`.
   *
   * Retries of a step start no second task. If the cluster has no capacity, the step is retried like any failed step. If the actions file
   * exports an action of the same name, that action runs first: it can prepare the context, or return an event to skip the task.
   *
   * The workflow stops a task, on a best-effort basis, when the execution no longer waits for it: when the timeout of the state expires, when
   * an event from `client.send` moves the execution to another state, or when the execution is canceled.
   *
   * @param name name of the action
   * @throws Error that lists all errors in the task
   */
  public addEcsTask(name: string, options: EcsTaskOptions): EcsTaskAction {
    const task = this.ecsTasks.add(name, options);
    this._grants.taskAdded();
    return task;
  }

  /**
   * Adds alarms for the workflow and for the services that it uses, with configurable thresholds. Call it again for a second set of alarms, with
   * other thresholds or another topic.
   *
   * @throws Error that lists all invalid thresholds
   */
  public addAlarms(options: WorkflowAlarmsOptions = {}): WorkflowAlarms {
    return addAlarms(this, options);
  }

  /** Adds a dashboard that shows whether the workflow works, whether it keeps up, and why it fails. */
  public addDashboard(options: WorkflowDashboardOptions = {}): cloudwatch.Dashboard {
    return addDashboard(this, options);
  }

  /** @returns one error for each action that neither the actions file nor a task implements */
  private checkActions(code: string, actionsFile: string | undefined): readonly string[] {
    if (actionsFile === undefined) return [];
    const environment = Object.entries(environmentOf(this.function)).filter(
      (variable): variable is [string, string] => typeof variable[1] === 'string',
    );
    const { errors, warnings } = checkActions(code, actionsFile, Object.fromEntries(environment), (name) =>
      this.ecsTasks.has(name),
    );
    for (const warning of warnings) Annotations.of(this).addWarningV2('cdk-lambda-fsm:actions', warning);
    return errors;
  }
}

/** The properties that are options of the function. */
function functionOptionsOf(props: FsmWorkflowProps): WorkflowFunctionOptions {
  const {
    machines,
    actions,
    bundling,
    workflowName,
    eventSource,
    failoverEventSource,
    previousEventSources,
    retryQueue,
    failoverRetryQueue,
    previousRetryQueues,
    lockTable,
    lockCache,
    checkpointTable,
    deadLetterQueue,
    encryptionKey,
    removalPolicy,
    deletionProtection,
    eagerCommit,
    logErrorMessages,
    metricDelivery,
    ...functionOptions
  } = props;
  return functionOptions;
}

/** The lock store: the cache of the properties, their table, or a new table. */
function lockStoreOf(
  scope: Construct,
  { lockCache, lockTable: existingTable, encryptionKey, deletionProtection }: FsmWorkflowProps,
  removalPolicy: RemovalPolicy,
): { readonly lockTable?: ILockTable; readonly locks: LockStoreConfig<LockStoreConfiguration> } {
  if (lockCache) return { locks: bindLockCache(lockCache) };
  const lockTable =
    existingTable ?? new LockTable(scope, 'LockTable', { encryptionKey, removalPolicy, deletionProtection });
  return { lockTable, locks: bindLockTable(lockTable) };
}
