import { Annotations, Duration, Lazy, Names, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { grantPutMetrics, grantSendTo, grantTable } from './access';
import { addAlarms, type WorkflowAlarms, type WorkflowAlarmsOptions } from './alarms';
import type { Binding, BoundTransport, WorkflowParts } from './binding';
import { CheckpointTable, type ICheckpointTable } from './checkpoint-table';
import { addDashboard, type WorkflowDashboardOptions } from './dashboard';
import type { EcsTaskAction, EcsTaskOptions } from './ecs-task-action';
import { EcsTasks } from './ecs-tasks';
import type { FsmWorkflowProps } from './fsm-workflow-props';
import { bindLockCache, bindLockTable, bindWithFailover, type LockBinding } from './lock-binding';
import type { ILockCache } from './lock-cache';
import { LockTable, type ILockTable } from './lock-table';
import { MetricDelivery, NAMESPACE } from './metric-delivery';
import { runningLimitsOf } from './running-limits';
import { queueDefaults } from './sqs-queue';
import { CONFIGURATION_VARIABLE, createFunction, timeoutOf } from './workflow-function';
import { planWorkflow } from './workflow-plan';

/**
 * A durable workflow: the machines whose executions it runs, the function in which their transitions are executed, and everything in
 * between.
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
 * What is wrong with the machines, the actions or the properties stops the synth with an error that lists all of it.
 */
export class FsmWorkflow extends Construct implements iam.IGrantable {
  /** The function in which the transitions run. */
  public readonly function: lambda.Function;
  /** Whom to grant what the actions need: `bucket.grantRead(workflow)`. */
  public readonly grantPrincipal: iam.IPrincipal;
  /** Name of the workflow, a dimension of its metrics. */
  public readonly workflowName: string;
  /** Names of the machines whose executions the workflow runs. */
  public readonly machineNames: string[];
  /** Where the leases are, unless in a cache. */
  public readonly lockTable?: ILockTable;
  /** Where the leases are, if in a cache. */
  public readonly lockCache?: ILockCache;
  /** What takes over when the lock cache does not answer. */
  public readonly failoverLockTable?: ILockTable;
  /** Where the journal and the mailboxes are. */
  public readonly checkpointTable: ICheckpointTable;
  /** Where what nobody will try again by itself is kept. */
  public readonly deadLetterQueue: sqs.IQueue;
  /** What delivers the envelopes. */
  public readonly eventSource: BoundTransport;
  /** What takes over when the event source takes no envelopes. */
  public readonly failoverEventSource?: BoundTransport;
  /** Where a step that has failed waits. */
  public readonly retryQueue: BoundTransport;
  /** What takes over when the retry queue takes nothing. */
  public readonly failoverRetryQueue?: BoundTransport;
  /**
   * What a client needs to know: JSON with names and URLs, no secrets. Put it into an environment variable of the function that starts
   * executions, and make the client with `WorkflowClient.fromEnvironment()`.
   */
  public readonly clientConfiguration: string;

  private readonly eventSources: readonly Binding[];
  /** The event sources and the retry queues. */
  private readonly transports: readonly Binding[];
  private readonly ecsTasks: EcsTasks;
  private readonly locks: LockBinding;
  /** Who may cancel executions, while there are no tasks. Of a cancellation that may have to stop one, the function is sent an envelope. */
  private readonly cancellers: iam.IGrantable[] = [];

  constructor(scope: Construct, id: string, props: FsmWorkflowProps) {
    super(scope, id);
    const plan = planWorkflow(this, props);
    for (const warning of plan.warnings) Annotations.of(this).addWarningV2('cdk-lambda-fsm:definition', warning);

    const { encryptionKey } = props;
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    this.workflowName = props.workflowName ?? Names.uniqueResourceName(this, { maxLength: 100, separator: '-' });
    const lockTable = props.lockTable ?? (props.lockCache ? undefined : new LockTable(this, 'LockTable', { encryptionKey, removalPolicy }));
    this.lockTable = lockTable;
    this.lockCache = props.lockCache;
    this.failoverLockTable = props.failoverLockTable;
    this.checkpointTable = props.checkpointTable ?? new CheckpointTable(this, 'CheckpointTable', { encryptionKey, removalPolicy });
    this.deadLetterQueue = props.deadLetterQueue ?? new sqs.Queue(this, 'DeadLetterQueue', { ...queueDefaults(encryptionKey), removalPolicy });
    this.function = createFunction(this, this.workflowName, plan.code, props, removalPolicy);
    this.grantPrincipal = this.function.grantPrincipal;
    // The plan has refused both, and neither is impossible.
    const locks = lockTable ? bindLockTable(lockTable) : bindLockCache(props.lockCache!);
    const failoverLocks = props.failoverLockTable && bindLockTable(props.failoverLockTable);
    this.locks = failoverLocks ? bindWithFailover(locks, failoverLocks) : locks;
    if (props.lockCache) this.function.connections.allowToDefaultPort(props.lockCache);

    this.machineNames = plan.machines.map(({ name }) => name);
    this.ecsTasks = new EcsTasks(this, [...plan.machines, ...plan.previousMachines], this);
    this.node.addValidation({ validate: () => [...plan.missingActions((name) => this.ecsTasks.has(name))] });

    const parts: WorkflowParts = {
      function: this.function,
      functionTimeout: timeoutOf(props),
      checkpointTable: this.checkpointTable,
      deadLetterQueue: this.deadLetterQueue,
      encryptionKey,
      removalPolicy,
    };
    const { eventSource, failoverEventSource, retryQueue, failoverRetryQueue } = plan.transports;
    const primary = eventSource.bind(new Construct(this, 'EventSource'), parts);
    const failover = failoverEventSource?.bind(new Construct(this, 'FailoverEventSource'), parts);
    const retry = retryQueue.bind(new Construct(this, 'RetryQueue'), parts);
    const failoverRetry = failoverRetryQueue?.bind(new Construct(this, 'FailoverRetryQueue'), parts);
    this.eventSource = primary.transport;
    this.failoverEventSource = failover?.transport;
    this.retryQueue = retry.transport;
    this.failoverRetryQueue = failoverRetry?.transport;
    this.eventSources = failover ? [primary, failover] : [primary];
    const retryQueues = failoverRetry ? [retry, failoverRetry] : [retry];
    this.transports = [...this.eventSources, ...retryQueues];

    this.clientConfiguration = Stack.of(this).toJsonString({
      workflow: this.workflowName,
      machines: this.machineNames,
      eventSource: primary.configuration,
      failoverEventSource: failover?.configuration,
      retryQueues: retryQueues.map(({ configuration }) => configuration),
      lockTable: this.locks.configuration,
      failoverLockTable: failoverLocks?.configuration,
      functionTimeoutSeconds: failoverLocks && timeoutOf(props).toSeconds({ integral: false }),
      checkpointTable: tableConfiguration(this.checkpointTable),
      deadLetterQueue: { service: 'sqs', queueUrl: this.deadLetterQueue.queueUrl },
      maxRunningExecutions: runningLimitsOf(props.machines),
      ecsTasks: Lazy.any({ produce: () => this.ecsTasks.isEmpty ? undefined : true }),
      eagerCommit: props.eagerCommit,
      putMetrics: props.metricDelivery === MetricDelivery.PUT_METRIC_DATA ? true : undefined,
      tracing: props.tracing === lambda.Tracing.ACTIVE ? true : undefined,
    });
    this.function.addEnvironment(CONFIGURATION_VARIABLE, this.clientConfiguration);

    this.locks.grantAcquire(this);
    // The end of a wait, and that of a task, is an event that is put into the mailbox of its execution.
    grantTable(this.checkpointTable.table, this, 'BatchWriteItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem');
    grantSendTo(this.deadLetterQueue, this);
    for (const { grantSend } of this.transports) grantSend(this);
    if (props.metricDelivery === MetricDelivery.PUT_METRIC_DATA) grantPutMetrics(NAMESPACE, this);
  }

  /**
   * Lets a task on Amazon ECS do the work of an action: the states whose `do` has that name start the task and wait until it has stopped.
   *
   * The container needs no library. It finds `FSM_EXECUTION_ID`, `FSM_STEP`, `FSM_CONTEXT` (JSON) and `FSM_CALLBACK_TOKEN` in its
   * environment, and its exit code decides about the event that takes the execution on. That event's data (`run.data`) has the `taskArn`,
   * and where they are known `exitCode`, `stopCode` and `reason`.
   *
   * However often the step is tried, one task is started. A cluster that has no room is tried again, like any step that fails. If the
   * actions file has an action of that name, it runs before, and can prepare the context, or do without the task by returning an event.
   *
   * A task that nobody waits for any more is stopped, at best effort: when the state's timeout is over, when an event of `client.send`
   * takes the execution on, or when it is cancelled.
   *
   * @param name name of the action
   * @throws Error that lists everything that is wrong with the task
   */
  public addEcsTask(name: string, options: EcsTaskOptions): EcsTaskAction {
    const task = this.ecsTasks.add(name, options);
    for (const canceller of this.cancellers.splice(0)) this.grantStart(canceller);
    return task;
  }

  /**
   * Lets someone start executions, with `client.start` and `client.startMany`.
   *
   * Who may write to an event source is trusted with all executions of the workflow, since an envelope says itself where its execution
   * stands. So do not grant this, or what includes it (`grantSend`, `grantResume`, `grantRedrive`), to code that is not: let it call a
   * function of yours, or start executions through a rule of EventBridge ({@link FsmWorkflowTarget}).
   *
   * An identity of another account can reach a queue of SQS or a topic of SNS only: a stream of Kinesis and a table are looked for by their
   * names, in the account of whoever asks.
   */
  public grantStart(grantee: iam.IGrantable): iam.Grant {
    return this.eventSources.map(({ grantSend }) => grantSend(grantee)).reduce((all, grant) => all.combine(grant));
  }

  /** Lets someone send events to executions, with `client.send` and `client.complete`. It includes {@link grantStart}. */
  public grantSend(grantee: iam.IGrantable): iam.Grant {
    return this.locks.grantRead(grantee)
      .combine(grantTable(this.checkpointTable.table, grantee, 'GetItem', 'PutItem', 'Query', 'UpdateItem'))
      .combine(this.grantStart(grantee));
  }

  /** Lets someone look into executions, with `client.describe`: at their contexts, too. */
  public grantDescribe(grantee: iam.IGrantable): iam.Grant {
    return this.locks.grantRead(grantee)
      .combine(grantTable(this.checkpointTable.table, grantee, 'Query'));
  }

  /** Lets someone run executions on that have stalled, with `client.resume`. */
  public grantResume(grantee: iam.IGrantable): iam.Grant {
    const readBack = this.transports.flatMap(({ grantReadBack }) => grantReadBack?.(grantee) ?? []);
    return readBack.reduce((all, grant) => all.combine(grant), this.locks.grantRead(grantee))
      .combine(grantTable(this.checkpointTable.table, grantee, 'GetItem', 'Query'))
      .combine(this.grantStart(grantee));
  }

  /** Lets someone end executions, with `client.cancel`. The tasks of those on Amazon ECS are stopped by the workflow's function. */
  public grantCancel(grantee: iam.IGrantable): iam.Grant {
    const grant = this.locks.grantWrite(grantee)
      .combine(grantTable(this.checkpointTable.table, grantee, 'BatchWriteItem', 'GetItem', 'Query', 'UpdateItem'));
    if (!this.ecsTasks.isEmpty) return grant.combine(this.grantStart(grantee));
    this.cancellers.push(grantee);
    return grant;
  }

  /** Lets someone run executions on that have failed, with `client.redrive`. */
  public grantRedrive(grantee: iam.IGrantable): iam.Grant {
    return this.locks.grantRead(grantee)
      .combine(this.locks.grantWrite(grantee))
      .combine(grantTable(this.checkpointTable.table, grantee, 'Query', 'UpdateItem'))
      .combine(this.grantStart(grantee));
  }

  /**
   * A metric of the workflow, by default its sum in five minutes. With the dimension `machine`, or `machine` and `state`, it is that of one
   * machine or state. CloudWatch bills those that are written: of each name at most one for the workflow, one for each machine and one for
   * each state, however many executions there are.
   *
   * @param metricName Transition, Completed, Parked, Error, Fatal, Retry, Caught, Duplicate, Orphan, Busy, Delayed, DispatchFailure,
   * Failover, LockFailure, LockFailover, CheckpointFailure, DeadLetter, Redelivery or Timeout, which are counted; StepDuration or
   * EnvelopeAge, which are in milliseconds
   */
  public metric(metricName: string, props: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return new cloudwatch.Metric({
      statistic: cloudwatch.Stats.SUM,
      ...props,
      namespace: NAMESPACE,
      metricName,
      dimensionsMap: { workflow: this.workflowName, ...props.dimensionsMap },
    }).attachTo(this);
  }

  /** Steps that were taken. */
  public metricTransitions(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('Transition', props);
  }

  /** Executions that have reached a final state. */
  public metricCompleted(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('Completed', props);
  }

  /** Executions that have failed for good: a person must look. */
  public metricFailed(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('Fatal', props);
  }

  /** Attempts at a step that have failed. */
  public metricErrors(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('Error', props);
  }

  /** Executions that had to wait, since their machine had as many under way as it may; counted each time that they come again. */
  public metricDelayed(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('Delayed', props);
  }

  /** Steps that were put into the retry queue. */
  public metricRetries(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('Retry', props);
  }

  /** Envelopes that were delivered once more, and dropped. */
  public metricDuplicates(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('Duplicate', props);
  }

  /** Envelopes that something else than the event source took. */
  public metricFailovers(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('Failover', props);
  }

  /**
   * The time spent in failover: 1 for each minute in which something else than the event source took envelopes, 0 for each other.
   */
  public metricFailoverMinutes(props?: cloudwatch.MathExpressionOptions): cloudwatch.MathExpression {
    return new cloudwatch.MathExpression({
      label: 'Minutes in failover',
      ...props,
      expression: 'IF(FILL(failovers, 0) > 0, 1, 0)',
      usingMetrics: { failovers: this.metricFailovers() },
      period: Duration.minutes(1),
    });
  }

  /** Messages that were put into the dead-letter queue. */
  public metricDeadLetters(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('DeadLetter', props);
  }

  /** How long the actions of a step took, in milliseconds, by default what 99 of 100 stay below. */
  public metricStepDuration(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('StepDuration', { statistic: cloudwatch.Stats.p(99), ...props });
  }

  /**
   * How long an envelope was on its way until its step began, counted from when it was sent or due: in milliseconds, by default what 99 of
   * 100 stay below.
   */
  public metricEnvelopeAge(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('EnvelopeAge', { statistic: cloudwatch.Stats.p(99), ...props });
  }

  /**
   * Adds alarms, those that make sense for the services that the workflow uses, each with a threshold that can be given.
   *
   * @throws Error when a threshold is out of its range
   */
  public addAlarms(options: WorkflowAlarmsOptions = {}): WorkflowAlarms {
    return addAlarms(this, options);
  }

  /** Adds a dashboard that shows whether the workflow works, whether it keeps up, and why it fails. */
  public addDashboard(options: WorkflowDashboardOptions = {}): cloudwatch.Dashboard {
    return addDashboard(this, options);
  }
}

function tableConfiguration({ table, retention }: ICheckpointTable) {
  return { service: 'dynamodb', tableName: table.tableName, retentionDays: retention.toDays() };
}
