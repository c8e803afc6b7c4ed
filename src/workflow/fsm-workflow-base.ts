import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as iam from 'aws-cdk-lib/aws-iam';
import { Construct, type IConstruct } from 'constructs';
import { METRIC_NAMESPACE, type MeasureName, type MetricName } from '#contract';
import type { WorkflowGrants } from './workflow-grants';

/** A workflow of this stack, or of another stack or app. */
export interface IFsmWorkflow extends IConstruct {
  /** Name of the workflow, which is a dimension of its metrics. */
  readonly workflowName: string;
  /** Names of the machines that the workflow runs. */
  readonly machineNames: string[];
  /**
   * The configuration of clients: JSON with names, ARNs and URLs, without secrets. Pass it to a function that starts executions in the
   * environment variable `FSM_WORKFLOW`, and create the client with `WorkflowClient.fromEnvironment()`.
   */
  readonly clientConfiguration: string;
  /**
   * Grants permission to start executions with `client.start` and `client.startMany`.
   *
   * An identity that may send to an event source controls all executions of the workflow, because each envelope states the position of its
   * execution. Grant this permission, and the permissions that include it (`grantSend`, `grantResume`, `grantRedrive`), to trusted code only.
   * Let untrusted code call a function of yours, or start executions through an EventBridge rule ({@link FsmWorkflowTarget}).
   *
   * An identity in another account receives no permissions, and synthesis warns: the client addresses tables by name, which AWS resolves in the
   * account of the caller. Grant them to a role in the account of the workflow, and let the other account assume it.
   */
  grantStart(grantee: iam.IGrantable): iam.Grant;
  /** Grants permission to send events to executions with `client.send`, `client.complete` and `client.dropEvent`. Includes {@link grantStart}. */
  grantSend(grantee: iam.IGrantable): iam.Grant;
  /** Grants permission to read the states, journals and contexts of executions with `client.describe` and `client.listEvents`. */
  grantDescribe(grantee: iam.IGrantable): iam.Grant;
  /** Grants permission to resume stalled executions with `client.resume`. Includes {@link grantStart}. */
  grantResume(grantee: iam.IGrantable): iam.Grant;
  /**
   * Grants permission to cancel executions with `client.cancel`. In a workflow with Amazon ECS tasks, it includes {@link grantStart}, which
   * lets the client request the workflow's function to stop the task of a canceled execution.
   */
  grantCancel(grantee: iam.IGrantable): iam.Grant;
  /** Grants permission to redrive failed executions with `client.redrive`. Includes {@link grantStart}. */
  grantRedrive(grantee: iam.IGrantable): iam.Grant;
  /**
   * Returns a metric of the workflow: by default, its sum over 5 minutes. To select one machine or state, add the dimension `machine`, or
   * `machine` and `state`. CloudWatch bills each metric that has data: per name at most one for the workflow, one for each machine, and one for
   * each state, independent of the number of executions.
   *
   * @param metricName a count: Transition, Completed, Parked, Error, Fatal, Retry, Caught, Duplicate, Orphan, Busy, Delayed, DispatchFailure,
   * Failover, LockFailure, CheckpointFailure, DeadLetter, Redelivery or Timeout; or a duration in milliseconds: StepDuration, EnvelopeAge or RetryLateness
   */
  metric(metricName: string, props?: cloudwatch.MetricOptions): cloudwatch.Metric;
  /**
   * Number of committed steps.
   *
   * @default - sum over 5 minutes
   */
  metricTransitions(props?: cloudwatch.MetricOptions): cloudwatch.Metric;
  /**
   * Number of executions that reached a final state.
   *
   * @default - sum over 5 minutes
   */
  metricCompleted(props?: cloudwatch.MetricOptions): cloudwatch.Metric;
  /**
   * Number of executions that failed and are not retried automatically.
   *
   * @default - sum over 5 minutes
   */
  metricFailed(props?: cloudwatch.MetricOptions): cloudwatch.Metric;
  /**
   * Number of failed attempts at a step.
   *
   * @default - sum over 5 minutes
   */
  metricErrors(props?: cloudwatch.MetricOptions): cloudwatch.Metric;
  /**
   * Number of delayed starts of executions that exceed the `maxRunningExecutions` of their machine. Each delay counts, so one execution may
   * count several times.
   *
   * @default - sum over 5 minutes
   */
  metricDelayed(props?: cloudwatch.MetricOptions): cloudwatch.Metric;
  /**
   * Number of envelopes sent to the retry queue.
   *
   * @default - sum over 5 minutes
   */
  metricRetries(props?: cloudwatch.MetricOptions): cloudwatch.Metric;
  /**
   * Number of envelopes that were delivered again and dropped.
   *
   * @default - sum over 5 minutes
   */
  metricDuplicates(props?: cloudwatch.MetricOptions): cloudwatch.Metric;
  /**
   * Number of envelopes that failed over from the event source to another broker.
   *
   * @default - sum over 5 minutes
   */
  metricFailovers(props?: cloudwatch.MetricOptions): cloudwatch.Metric;
  /**
   * Minutes in failover: 1 for each minute in which at least one envelope failed over, 0 for every other minute.
   *
   * @default - period of 1 minute
   */
  metricFailoverMinutes(props?: cloudwatch.MathExpressionOptions): cloudwatch.MathExpression;
  /**
   * Number of messages sent to the dead-letter queue.
   *
   * @default - sum over 5 minutes
   */
  metricDeadLetters(props?: cloudwatch.MetricOptions): cloudwatch.Metric;
  /**
   * Duration of the actions of a step, in milliseconds.
   *
   * @default - 99th percentile over 5 minutes
   */
  metricStepDuration(props?: cloudwatch.MetricOptions): cloudwatch.Metric;
  /**
   * Age of an envelope when its step begins, in milliseconds, counted from when the envelope was sent or due.
   *
   * @default - 99th percentile over 5 minutes
   */
  metricEnvelopeAge(props?: cloudwatch.MetricOptions): cloudwatch.Metric;
}

/** The grants and metrics of every workflow. */
export abstract class FsmWorkflowBase extends Construct implements IFsmWorkflow {
  public abstract readonly workflowName: string;
  public abstract readonly machineNames: string[];
  public abstract readonly clientConfiguration: string;
  /** @internal */
  protected abstract readonly _grants: WorkflowGrants;

  /**
   * Grants permission to start executions with `client.start` and `client.startMany`.
   *
   * An identity that may send to an event source controls all executions of the workflow, because each envelope states the position of its
   * execution. Grant this permission, and the permissions that include it (`grantSend`, `grantResume`, `grantRedrive`), to trusted code only.
   * Let untrusted code call a function of yours, or start executions through an EventBridge rule ({@link FsmWorkflowTarget}).
   *
   * An identity in another account receives no permissions, and synthesis warns: the client addresses tables by name, which AWS resolves in the
   * account of the caller. Grant them to a role in the account of the workflow, and let the other account assume it.
   */
  public grantStart(grantee: iam.IGrantable): iam.Grant {
    return this._grants.start(grantee);
  }

  /** Grants permission to send events to executions with `client.send`, `client.complete` and `client.dropEvent`. Includes {@link grantStart}. */
  public grantSend(grantee: iam.IGrantable): iam.Grant {
    return this._grants.send(grantee);
  }

  /** Grants permission to read the states, journals and contexts of executions with `client.describe` and `client.listEvents`. */
  public grantDescribe(grantee: iam.IGrantable): iam.Grant {
    return this._grants.describe(grantee);
  }

  /** Grants permission to resume stalled executions with `client.resume`. Includes {@link grantStart}. */
  public grantResume(grantee: iam.IGrantable): iam.Grant {
    return this._grants.resume(grantee);
  }

  /**
   * Grants permission to cancel executions with `client.cancel`. In a workflow with Amazon ECS tasks, it includes {@link grantStart}, which
   * lets the client request the workflow's function to stop the task of a canceled execution.
   */
  public grantCancel(grantee: iam.IGrantable): iam.Grant {
    return this._grants.cancel(grantee);
  }

  /** Grants permission to redrive failed executions with `client.redrive`. Includes {@link grantStart}. */
  public grantRedrive(grantee: iam.IGrantable): iam.Grant {
    return this._grants.redrive(grantee);
  }

  /**
   * Returns a metric of the workflow: by default, its sum over 5 minutes. To select one machine or state, add the dimension `machine`, or
   * `machine` and `state`. CloudWatch bills each metric that has data: per name at most one for the workflow, one for each machine, and one for
   * each state, independent of the number of executions.
   *
   * @param metricName a count: Transition, Completed, Parked, Error, Fatal, Retry, Caught, Duplicate, Orphan, Busy, Delayed, DispatchFailure,
   * Failover, LockFailure, CheckpointFailure, DeadLetter, Redelivery or Timeout; or a duration in milliseconds: StepDuration, EnvelopeAge or RetryLateness
   */
  public metric(metricName: string, props: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return new cloudwatch.Metric({
      statistic: cloudwatch.Stats.SUM,
      ...props,
      namespace: METRIC_NAMESPACE,
      metricName,
      dimensionsMap: { workflow: this.workflowName, ...props.dimensionsMap },
    }).attachTo(this);
  }

  /**
   * Number of committed steps.
   *
   * @default - sum over 5 minutes
   */
  public metricTransitions(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.namedMetric('Transition', props);
  }

  /**
   * Number of executions that reached a final state.
   *
   * @default - sum over 5 minutes
   */
  public metricCompleted(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.namedMetric('Completed', props);
  }

  /**
   * Number of executions that failed and are not retried automatically.
   *
   * @default - sum over 5 minutes
   */
  public metricFailed(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.namedMetric('Fatal', props);
  }

  /**
   * Number of failed attempts at a step.
   *
   * @default - sum over 5 minutes
   */
  public metricErrors(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.namedMetric('Error', props);
  }

  /**
   * Number of delayed starts of executions that exceed the `maxRunningExecutions` of their machine. Each delay counts, so one execution may
   * count several times.
   *
   * @default - sum over 5 minutes
   */
  public metricDelayed(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.namedMetric('Delayed', props);
  }

  /**
   * Number of envelopes sent to the retry queue.
   *
   * @default - sum over 5 minutes
   */
  public metricRetries(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.namedMetric('Retry', props);
  }

  /**
   * Number of envelopes that were delivered again and dropped.
   *
   * @default - sum over 5 minutes
   */
  public metricDuplicates(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.namedMetric('Duplicate', props);
  }

  /**
   * Number of envelopes that failed over from the event source to another broker.
   *
   * @default - sum over 5 minutes
   */
  public metricFailovers(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.namedMetric('Failover', props);
  }

  /**
   * Minutes in failover: 1 for each minute in which at least one envelope failed over, 0 for every other minute.
   *
   * @default - period of 1 minute
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

  /**
   * Number of messages sent to the dead-letter queue.
   *
   * @default - sum over 5 minutes
   */
  public metricDeadLetters(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.namedMetric('DeadLetter', props);
  }

  /**
   * Duration of the actions of a step, in milliseconds.
   *
   * @default - 99th percentile over 5 minutes
   */
  public metricStepDuration(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.namedMetric('StepDuration', { statistic: cloudwatch.Stats.p(99), ...props });
  }

  /**
   * Age of an envelope when its step begins, in milliseconds, counted from when the envelope was sent or due.
   *
   * @default - 99th percentile over 5 minutes
   */
  public metricEnvelopeAge(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.namedMetric('EnvelopeAge', { statistic: cloudwatch.Stats.p(99), ...props });
  }

  private namedMetric(metricName: MetricName | MeasureName, props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(metricName, props);
  }
}

/** The environment of a client is limited to 4 KB, and has more than the configuration of a workflow. */
const MAX_NAMES_LENGTH = 1024;

/** The names of the machines, unless they are so long that a client may not have room for them. */
export function namesForClients(names: readonly string[]): readonly string[] | undefined {
  return JSON.stringify(names).length > MAX_NAMES_LENGTH ? undefined : names;
}
