import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { deadLetterQueuesOf, deadLettersIn, iteratorAgeOf, queueAgeOf, readsStreams, sourcesOf, type WorkflowAlarms } from './alarms';
import type { FsmWorkflow } from './fsm-workflow';

/** What a workflow's dashboard shows. */
export interface WorkflowDashboardOptions {
  /**
   * Name of the dashboard: letters, digits, `-` and `_`.
   *
   * @default - made by CloudFormation
   */
  readonly dashboardName?: string;
  /**
   * Alarms whose state is shown on top.
   *
   * @default - none
   */
  readonly alarms?: WorkflowAlarms;
}

const WIDTH = 24;
const PERIOD = Duration.minutes(1);

/**
 * From top to bottom: does it work, does it keep up, why does it fail. All of it fits two screens, whatever machines there are: those and
 * their states are found by CloudWatch when somebody looks.
 */
export function addDashboard(workflow: FsmWorkflow, options: WorkflowDashboardOptions): cloudwatch.Dashboard {
  const { dashboardName, alarms } = options;
  return new cloudwatch.Dashboard(workflow, 'Dashboard', {
    dashboardName,
    defaultInterval: Duration.hours(3),
    widgets: [
      ...alarms ? [[new cloudwatch.AlarmStatusWidget({ title: workflow.workflowName, alarms: alarms.all, width: WIDTH, height: 3 })]] : [],
      row(executions(workflow), failures(workflow), durations(workflow)),
      row(waiting(workflow), deadLetters(workflow), takeover(workflow)),
      row(transitionsByState(workflow), durationsByState(workflow), errorsByState(workflow)),
      row(invocations(workflow), functionDuration(workflow), repeated(workflow)),
    ],
  });
}

function row(...graphs: readonly cloudwatch.GraphWidgetProps[]): cloudwatch.IWidget[] {
  const look = { width: WIDTH / graphs.length, height: 6, leftYAxis: { min: 0 }, rightYAxis: { min: 0 } };
  return graphs.map((graph) => new cloudwatch.GraphWidget({ ...look, ...graph }));
}

// ---- Does it work? ------------------------------------------------------------------------------------------------------------------

function executions(workflow: FsmWorkflow): cloudwatch.GraphWidgetProps {
  return {
    title: 'Executions',
    left: [workflow.metricTransitions(count('Transitions'))],
    right: [
      workflow.metricCompleted(count('Completed', cloudwatch.Color.GREEN)),
      workflow.metric('Parked', count('Parked')),
      workflow.metricFailed(count('Failed', cloudwatch.Color.RED)),
    ],
  };
}

function failures(workflow: FsmWorkflow): cloudwatch.GraphWidgetProps {
  return {
    title: 'Failures',
    left: [
      workflow.metricErrors(count('Failed attempts', cloudwatch.Color.ORANGE)),
      workflow.metricRetries(count('Retries')),
      workflow.metric('Caught', count('Caught')),
      workflow.metricFailed(count('Failed for good', cloudwatch.Color.RED)),
    ],
  };
}

function durations(workflow: FsmWorkflow): cloudwatch.GraphWidgetProps {
  const percentiles = [50, 99];
  return {
    title: 'Milliseconds of a step, and of an envelope on its way',
    left: percentiles.map((percentile) => workflow.metricStepDuration({
      statistic: cloudwatch.Stats.p(percentile), period: PERIOD, label: `step, p${percentile}`,
    })),
    right: percentiles.map((percentile) => workflow.metricEnvelopeAge({
      statistic: cloudwatch.Stats.p(percentile), period: PERIOD, label: `on its way, p${percentile}`,
    })),
  };
}

// ---- Does it keep up? ---------------------------------------------------------------------------------------------------------------

function waiting(workflow: FsmWorkflow): cloudwatch.GraphWidgetProps {
  const { retryQueue, failoverRetryQueue } = workflow;
  const { eventSource, failoverEventSource } = workflow;
  const transports = { 'event source': eventSource, 'failover': failoverEventSource, 'retries': retryQueue, 'failover of retries': failoverRetryQueue };
  const ages = sourcesOf(workflow).flatMap((source) => {
    const age = queueAgeOf(workflow, source);
    if (!age) return [];
    return [age.metric.with({ label: age.unit === 'toSeconds' ? 'oldest message, s' : 'oldest message, ms' })];
  });
  return {
    title: 'Waiting',
    left: Object.entries(transports).flatMap(([name, transport]) => transport?.queue
      ? [transport.queue.metricApproximateNumberOfMessagesVisible({ statistic: cloudwatch.Stats.MAXIMUM, period: PERIOD, label: `messages, ${name}` })]
      : []),
    right: readsStreams(workflow) ? [...ages, iteratorAgeOf(workflow).with({ label: 'oldest record of a stream, ms' })] : ages,
  };
}

function deadLetters(workflow: FsmWorkflow): cloudwatch.GraphWidgetProps {
  return {
    title: 'Dead letters',
    left: deadLetterQueuesOf(workflow).map((queue, index) => deadLettersIn(queue).with({
      label: index === 0 ? 'in the queue' : 'in that of a FIFO queue', color: index === 0 ? cloudwatch.Color.RED : cloudwatch.Color.ORANGE,
    })),
    right: [workflow.metricDeadLetters(count('put aside'))],
  };
}

function takeover(workflow: FsmWorkflow): cloudwatch.GraphWidgetProps {
  return {
    title: 'Services that do not answer',
    left: [
      workflow.metric('DispatchFailure', count('Not dispatched')),
      workflow.metricFailovers(count('Taken over', cloudwatch.Color.ORANGE)),
      workflow.metric('LockFailure', count('Locks')),
      workflow.metric('CheckpointFailure', count('Checkpoint table')),
      workflow.metric('Redelivery', count('Given back to the source')),
    ],
    right: [workflow.metricFailoverMinutes({ color: cloudwatch.Color.GREY })],
  };
}

// ---- Which state is it? -------------------------------------------------------------------------------------------------------------

function transitionsByState(workflow: FsmWorkflow): cloudwatch.GraphWidgetProps {
  return { title: 'Transitions by state', left: [byState(workflow, 'Transition', cloudwatch.Stats.SUM)] };
}

function durationsByState(workflow: FsmWorkflow): cloudwatch.GraphWidgetProps {
  return { title: 'Milliseconds of a step by state, p99', left: [byState(workflow, 'StepDuration', cloudwatch.Stats.p(99))] };
}

function errorsByState(workflow: FsmWorkflow): cloudwatch.GraphWidgetProps {
  return { title: 'Failed attempts by state', left: [byState(workflow, 'Error', cloudwatch.Stats.SUM)] };
}

/** One line for each state of each machine that has the metric, for which its name need not be known here. */
function byState(workflow: FsmWorkflow, metricName: string, statistic: string): cloudwatch.MathExpression {
  const metric = workflow.metric(metricName);
  const quoted = JSON.stringify(workflow.workflowName);
  return new cloudwatch.MathExpression({
    expression: `SEARCH('{${metric.namespace},workflow,machine,state} MetricName="${metricName}" workflow=${quoted}', '${statistic}', ${PERIOD.toSeconds()})`,
    label: '',
    usingMetrics: {},
  });
}

// ---- The function -------------------------------------------------------------------------------------------------------------------

function invocations({ function: handler }: FsmWorkflow): cloudwatch.GraphWidgetProps {
  return {
    title: 'Invocations',
    left: [
      handler.metricInvocations(count('Invocations')),
      handler.metricErrors(count('Errors', cloudwatch.Color.RED)),
      handler.metricThrottles(count('Throttles', cloudwatch.Color.ORANGE)),
    ],
    right: [handler.metric('ConcurrentExecutions', { statistic: cloudwatch.Stats.MAXIMUM, period: PERIOD, label: 'at once' })],
  };
}

function functionDuration({ function: handler }: FsmWorkflow): cloudwatch.GraphWidgetProps {
  const timeout = handler.timeout?.toMilliseconds();
  return {
    title: 'Milliseconds of an invocation',
    left: [50, 99, 100].map((percentile) => handler.metricDuration({
      statistic: cloudwatch.Stats.p(percentile), period: PERIOD, label: percentile === 100 ? 'longest' : `p${percentile}`,
    })),
    leftAnnotations: timeout === undefined ? [] : [{ value: timeout, label: 'timeout', color: cloudwatch.Color.RED }],
  };
}

function repeated(workflow: FsmWorkflow): cloudwatch.GraphWidgetProps {
  return {
    title: 'Delivered once more, or before there is room',
    left: [
      workflow.metricDuplicates(count('Duplicates')),
      workflow.metric('Orphan', count('Orphans')),
      workflow.metric('Busy', count('Busy')),
      workflow.metricDelayed(count('Starts that wait for room')),
    ],
  };
}

function count(label: string, color?: string): cloudwatch.MetricOptions {
  return { statistic: cloudwatch.Stats.SUM, period: PERIOD, label, color };
}
