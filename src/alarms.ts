import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as sns from 'aws-cdk-lib/aws-sns';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { BoundTransport } from './binding';
import type { FsmWorkflow } from './fsm-workflow';
import { Problems } from './problems';

/** From where on the alarms of a workflow go off. */
export interface WorkflowAlarmsOptions {
  /**
   * How many executions may fail for good in five minutes: the alarm goes off at this number.
   *
   * Valid range: 1 and more.
   *
   * @default 1
   */
  readonly failed?: number;
  /**
   * How many messages may lie in a dead-letter queue: the alarm goes off at this number, and is over when the queue has been emptied.
   *
   * Valid range: 1 and more.
   *
   * @default 1
   */
  readonly deadLetters?: number;
  /**
   * How many envelopes something else than the event source may take in five minutes: the alarm goes off at this number.
   *
   * Valid range: 1 and more.
   *
   * @default 1
   */
  readonly failover?: number;
  /**
   * For how long something else than the event source may take envelopes, minute after minute: the alarm goes off when it has lasted that
   * long.
   *
   * Valid range: 1 minute to 24 hours, in whole minutes.
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
   *
   * @default Duration.minutes(15)
   */
  readonly failoverDuration?: Duration;
  /**
   * How old a record of a stream may be when the function gets it. Only for workflows that read one.
   *
   * Valid range: 1 second and more.
   *
   * @default - twice the function's timeout, at least 5 minutes
   */
  readonly iteratorAge?: Duration;
  /**
   * How old the oldest message of an event source may be that is no stream: of a queue those that are being worked on count, too.
   *
   * Valid range: 1 second and more.
   *
   * @default - twice the function's timeout, at least 5 minutes
   */
  readonly queueAge?: Duration;
  /**
   * How many invocations of the function Lambda may refuse in each of three spells of five minutes in a row: the alarm goes off at this
   * number. A few now and then do no harm, for the event source delivers again.
   *
   * Valid range: 1 and more.
   *
   * @default 1
   */
  readonly throttles?: number;
  /**
   * Who is told when an alarm goes off, and when it is over. If the topic is encrypted with a key of your own, the key's policy must let
   * CloudWatch use it.
   *
   * @default - nobody: the alarms show in CloudWatch alone
   */
  readonly topic?: sns.ITopic;
}

/** The alarms of a workflow that make sense for the services that it uses. Made by `workflow.addAlarms()`. */
export interface WorkflowAlarms {
  /** Executions have failed for good. */
  readonly failed: cloudwatch.Alarm;
  /** Messages lie in the dead-letter queue; a FIFO event source has another one of its own. */
  readonly deadLetters: cloudwatch.Alarm[];
  /** The event source does not take envelopes. */
  readonly failover: cloudwatch.Alarm;
  /** The event source has not taken envelopes for long. */
  readonly failoverDuration: cloudwatch.Alarm;
  /**
   * Records of a stream wait too long.
   *
   * @default - the workflow reads no stream
   */
  readonly iteratorAge?: cloudwatch.Alarm;
  /** Messages of event sources that are no streams wait too long. */
  readonly queueAge: cloudwatch.Alarm[];
  /** Lambda refuses invocations. */
  readonly throttles: cloudwatch.Alarm;
  /** All of them, for actions of your own: `alarms.all.forEach((alarm) => alarm.addAlarmAction(…))`. */
  readonly all: cloudwatch.Alarm[];
}

const PERIOD = Duration.minutes(5);
const DEFAULT_FAILOVER_DURATION = Duration.minutes(15);

/** @throws Error that lists every threshold that is out of its range */
export function addAlarms(workflow: FsmWorkflow, options: WorkflowAlarmsOptions): WorkflowAlarms {
  check(workflow, options);
  const scope = new Construct(workflow, 'Alarms');
  const name = workflow.workflowName;
  const all: cloudwatch.Alarm[] = [];
  const add = (id: string, alarm: Omit<cloudwatch.AlarmProps, 'evaluationPeriods'> & { readonly evaluationPeriods?: number }) => {
    const added = new cloudwatch.Alarm(scope, id, {
      evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      // What does not happen is not counted, and nobody waits where nothing is.
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
      ...alarm,
    });
    all.push(added);
    return added;
  };

  const longest = longestAge(workflow);
  const failoverMinutes = (options.failoverDuration ?? DEFAULT_FAILOVER_DURATION).toMinutes();
  const sources = sourcesOf(workflow);
  const iteratorAge = readsStreams(workflow) ? add('IteratorAge', {
    metric: iteratorAgeOf(workflow),
    threshold: (options.iteratorAge ?? longest).toMilliseconds(),
    alarmDescription: `${name}: records of a stream wait too long. Either the function is too slow or too seldom invoked, or a record blocks its shard: look into the function's errors and throttles.`,
  }) : undefined;
  const alarms = {
    failed: add('Failed', {
      metric: workflow.metricFailed({ period: PERIOD }),
      threshold: options.failed ?? 1,
      alarmDescription: `${name}: executions have failed for good. The dead-letter queue has them with the reason; redrive them when it is mended.`,
    }),
    deadLetters: deadLetterQueuesOf(workflow).map((queue, index) => add(`DeadLetters${index || ''}`, {
      metric: deadLettersIn(queue),
      threshold: options.deadLetters ?? 1,
      alarmDescription: `${name}: messages that nobody will try again by itself lie in a dead-letter queue, each with its reason.`,
    })),
    failover: add('Failover', {
      metric: workflow.metricFailovers({ period: PERIOD }),
      threshold: options.failover ?? 1,
      alarmDescription: `${name}: the event source does not take envelopes; another one has taken over. The function's logs tell why.`,
    }),
    failoverDuration: add('FailoverDuration', {
      metric: workflow.metricFailoverMinutes(),
      threshold: 1,
      evaluationPeriods: failoverMinutes,
      alarmDescription: `${name}: the event source has not taken envelopes for ${failoverMinutes} minutes, and another one stands in for it. See whether that one bears it, and mend the first.`,
    }),
    iteratorAge,
    queueAge: sources.flatMap((source, index) => {
      const age = queueAgeOf(workflow, source);
      return age ? [add(`QueueAge${index || ''}`, {
        metric: age.metric,
        threshold: (options.queueAge ?? longest)[age.unit](),
        alarmDescription: `${name}: messages of an event source wait too long. The function is too slow or too seldom invoked, or fails: look into its errors and throttles.`,
      })] : [];
    }),
    throttles: add('Throttles', {
      metric: workflow.function.metricThrottles({ period: PERIOD }),
      threshold: options.throttles ?? 1,
      evaluationPeriods: 3,
      alarmDescription: `${name}: Lambda refuses invocations of the function. Raise its reserved concurrency or that of the account, or lower the event source's.`,
    }),
  };
  if (options.topic) {
    const action = new SnsAction(options.topic);
    for (const alarm of all) {
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
    }
  }
  return { ...alarms, all };
}

function check(workflow: FsmWorkflow, options: WorkflowAlarmsOptions): void {
  const problems = new Problems();
  for (const threshold of ['failed', 'deadLetters', 'failover', 'throttles'] as const) {
    problems.wholeNumber(threshold, options[threshold], 1, Number.MAX_SAFE_INTEGER, 'at 0 the alarm would never be over');
  }
  for (const threshold of ['iteratorAge', 'queueAge'] as const) {
    problems.duration(threshold, options[threshold], Duration.seconds(1), Duration.days(365), 'what is measured is in seconds');
  }
  problems.duration('failoverDuration', options.failoverDuration, Duration.minutes(1), Duration.hours(24), 'the limit of CloudWatch');
  if (options.failoverDuration && options.failoverDuration.toMilliseconds() % 60_000 !== 0) {
    problems.add(`failoverDuration must be whole minutes, but is ${options.failoverDuration.toHumanString()}.`);
  }
  problems.refuse(`The alarms of the workflow "${workflow.node.path}" cannot be made`);
}

function longestAge({ function: { timeout = Duration.seconds(3) } }: FsmWorkflow): Duration {
  return Duration.seconds(Math.max(300, 2 * timeout.toSeconds()));
}

// ---- What the alarms and the dashboard look at, apart from the workflow's own metrics -------------------------------------------------

/** The event sources, the primary one first. */
export function sourcesOf({ eventSource, failoverEventSource }: FsmWorkflow): BoundTransport[] {
  return failoverEventSource ? [eventSource, failoverEventSource] : [eventSource];
}

/** Whether Lambda reads a stream, record by record: that of an event source, or of a retry queue. */
export function readsStreams(workflow: FsmWorkflow): boolean {
  const { retryQueue, failoverRetryQueue } = workflow;
  return sourcesOf(workflow).some(({ service }) => service === 'dynamodb')
    || [...sourcesOf(workflow), retryQueue, failoverRetryQueue].some((transport) => transport?.service === 'kinesis');
}

/** The age of the last record of each batch that the function got from a stream: the oldest of all in five minutes. */
export function iteratorAgeOf(workflow: FsmWorkflow): cloudwatch.Metric {
  return workflow.function.metric('IteratorAge', { statistic: cloudwatch.Stats.MAXIMUM, period: PERIOD });
}

/** How long what waits in an event source has waited that is no stream: in a queue, or with Lambda, where a topic has sent it. */
export function queueAgeOf(
  workflow: FsmWorkflow, { service, queue }: BoundTransport,
): { readonly metric: cloudwatch.Metric; readonly unit: 'toSeconds' | 'toMilliseconds' } | undefined {
  const options = { statistic: cloudwatch.Stats.MAXIMUM, period: PERIOD };
  if (queue) return { metric: queue.metricApproximateAgeOfOldestMessage(options), unit: 'toSeconds' };
  if (service === 'sns') return { metric: workflow.function.metric('AsyncEventAge', options), unit: 'toMilliseconds' };
  return undefined;
}

/** The workflow's dead-letter queue, and those that its own queues have besides. */
export function deadLetterQueuesOf(workflow: FsmWorkflow): sqs.IQueue[] {
  const { retryQueue, failoverRetryQueue } = workflow;
  const queues = [...sourcesOf(workflow), retryQueue, failoverRetryQueue].map((transport) => transport?.queue);
  const others = queues.flatMap((queue) => queue instanceof sqs.Queue && queue.deadLetterQueue ? [queue.deadLetterQueue.queue] : []);
  return [...new Set([workflow.deadLetterQueue, ...others])];
}

/** How many messages a dead-letter queue holds. */
export function deadLettersIn(queue: sqs.IQueue): cloudwatch.Metric {
  return queue.metricApproximateNumberOfMessagesVisible({ statistic: cloudwatch.Stats.MAXIMUM, period: PERIOD });
}
