import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { MonitoredWorkflow } from './monitored-workflow';
import {
  deadLetterQueuesOf,
  deadLettersIn,
  eventSourcesOf,
  iteratorAgeOf,
  queueAgeOf,
  readsStreams,
  retryQueuesOf,
} from './resource-metrics';
import { freeId } from '../shared/free-id';
import { ValidationErrors } from '../shared/validation-errors';
import { checkTypes, DURATION, TOPIC, type TypesOf } from '../shared/value-types';

/** Thresholds and notifications for the alarms of a workflow. */
export interface WorkflowAlarmsOptions {
  /**
   * Alarm threshold for the number of executions that fail within 5 minutes.
   *
   * Valid range: 1 or more.
   *
   * @default 1
   */
  readonly failed?: number;
  /**
   * Alarm threshold for the number of messages in a dead-letter queue. The alarm returns to OK when fewer messages remain.
   *
   * Valid range: 1 or more.
   *
   * @default 1
   */
  readonly deadLetters?: number;
  /**
   * Alarm threshold for the number of envelopes that fail over from the event source to another broker within 5 minutes.
   *
   * Valid range: 1 or more.
   *
   * @default 1
   */
  readonly failover?: number;
  /**
   * Alarm threshold for the duration of a failover: in each minute of it, at least one envelope fails over to another broker.
   *
   * Valid range: 1 minute to 24 hours, in whole minutes.
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
   *
   * @default Duration.minutes(15)
   */
  readonly failoverDuration?: Duration;
  /**
   * Alarm threshold for the age of a stream record when the function receives it. Applies only to workflows that read a stream.
   *
   * Valid range: 1 second to 365 days, in whole seconds.
   *
   * @default - twice the function's timeout, and at least 5 minutes
   */
  readonly iteratorAge?: Duration;
  /**
   * Alarm threshold for the age of the oldest message of an event source on SQS or SNS. In a queue, messages that are being processed count as
   * well.
   *
   * Valid range: 1 second to 365 days, in whole seconds.
   *
   * @default - twice the function's timeout, and at least 5 minutes
   */
  readonly queueAge?: Duration;
  /**
   * Alarm threshold for the age of the oldest message of a retry queue on SQS or SNS. A message waits in SQS for up to 15 minutes until its
   * step is retried.
   *
   * Valid range: 1 second to 365 days, in whole seconds.
   *
   * @default - 15 minutes more than the default of `queueAge`
   */
  readonly retryAge?: Duration;
  /**
   * Alarm threshold for the time by which the retries of a retry table are late. Up to one minute is normal, because the timer reads the table
   * every minute.
   *
   * Valid range: 1 second to 365 days, in whole seconds.
   *
   * @default - the default of `queueAge`
   */
  readonly retryLateness?: Duration;
  /**
   * Alarm threshold for the number of invocations within 5 minutes that crash, reach the timeout of the function or cannot load its code, in
   * three consecutive periods. A single one is harmless, because its records are delivered again.
   *
   * Valid range: 1 or more.
   *
   * @default 1
   */
  readonly functionErrors?: number;
  /**
   * Alarm threshold for the number of throttled invocations within 5 minutes, in three consecutive periods. Occasional throttles are harmless,
   * because the event source redelivers.
   *
   * Valid range: 1 or more.
   *
   * @default 1
   */
  readonly throttles?: number;
  /**
   * The SNS topic that is notified when an alarm changes to ALARM and back to OK. If the topic is encrypted with a customer managed key, the
   * key policy must allow CloudWatch to use the key.
   *
   * @default - no notifications
   */
  readonly topic?: sns.ITopic;
}

const TYPES: TypesOf<WorkflowAlarmsOptions> = {
  failoverDuration: DURATION,
  iteratorAge: DURATION,
  queueAge: DURATION,
  retryAge: DURATION,
  retryLateness: DURATION,
  topic: TOPIC,
};

/** The alarms of a workflow, as created by `workflow.addAlarms()`. The services that the workflow uses determine which alarms exist. */
export interface WorkflowAlarms {
  /** Executions failed and are not retried automatically. */
  readonly failed: cloudwatch.Alarm;
  /** A dead-letter queue contains messages: one alarm for the workflow's dead-letter queue, and one for that of each FIFO queue. */
  readonly deadLetters: cloudwatch.Alarm[];
  /** The event source rejects envelopes. */
  readonly failover: cloudwatch.Alarm;
  /** The event source has rejected envelopes for a long time. */
  readonly failoverDuration: cloudwatch.Alarm;
  /**
   * Stream records wait too long.
   *
   * @default - the workflow reads no stream
   */
  readonly iteratorAge?: cloudwatch.Alarm;
  /** Messages of an event source on SQS or SNS wait too long: one alarm for each such event source. */
  readonly queueAge: cloudwatch.Alarm[];
  /** Messages of a retry queue on SQS or SNS wait too long: one alarm for each such retry queue. */
  readonly retryAge: cloudwatch.Alarm[];
  /**
   * Retries of a retry table are late.
   *
   * @default - the workflow has no retry table
   */
  readonly retryLateness?: cloudwatch.Alarm;
  /** Invocations of the function fail. */
  readonly functionErrors: cloudwatch.Alarm;
  /** Lambda throttles the function. */
  readonly throttles: cloudwatch.Alarm;
  /** All alarms, for example to add actions: `alarms.all.forEach((alarm) => alarm.addAlarmAction(…))`. */
  readonly all: cloudwatch.Alarm[];
}

const PERIOD = Duration.minutes(5);
const DEFAULT_FAILOVER_DURATION = Duration.minutes(15);

/** The longest time for which SQS delays a message. */
const MAX_DELAY = Duration.minutes(15);

/** @throws Error that lists all invalid thresholds */
export function addAlarms(workflow: Construct & MonitoredWorkflow, options: WorkflowAlarmsOptions): WorkflowAlarms {
  check(workflow, options);
  const scope = new Construct(workflow, freeId(workflow, 'Alarms'));
  const all: cloudwatch.Alarm[] = [];
  const add = (
    id: string,
    description: string,
    alarm: Omit<cloudwatch.AlarmProps, 'evaluationPeriods' | 'alarmDescription'> & {
      readonly evaluationPeriods?: number;
    },
  ) => {
    const added = new cloudwatch.Alarm(scope, id, {
      evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      // A metric has no data while nothing happens and no message waits.
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
      alarmDescription: `${workflow.workflowName}: ${description}`,
      ...alarm,
    });
    all.push(added);
    return added;
  };

  const defaultAge = defaultAgeOf(workflow);
  const failoverMinutes = (options.failoverDuration ?? DEFAULT_FAILOVER_DURATION).toMinutes();
  const iteratorAge = readsStreams(workflow)
    ? add(
        'IteratorAge',
        'stream records wait too long. The function is too slow or throttled, or a failing record blocks its shard. ' +
          "Check the function's duration, throttles and errors.",
        { metric: iteratorAgeOf(workflow), threshold: (options.iteratorAge ?? defaultAge).toMilliseconds() },
      )
    : undefined;
  const hasRetryTable = retryQueuesOf(workflow).some(({ service }) => service === 'dynamodb');
  const retryLateness = hasRetryTable
    ? add(
        'RetryLateness',
        'the retries of a retry table are late. The timer invokes the function every minute, which is too slow, throttled or failing. ' +
          "Check the function's duration, throttles and errors.",
        {
          metric: workflow.metric('RetryLateness', { period: PERIOD, statistic: cloudwatch.Stats.MAXIMUM }),
          threshold: (options.retryLateness ?? defaultAge).toMilliseconds(),
        },
      )
    : undefined;
  const alarms = {
    failed: add(
      'Failed',
      'executions failed and are not retried automatically. The dead-letter queue contains each of them with its reason. ' +
        'Fix the cause, then redrive the executions.',
      { metric: workflow.metric('Fatal', { period: PERIOD }), threshold: options.failed ?? 1 },
    ),
    deadLetters: deadLetterQueuesOf(workflow).map((queue, index) =>
      add(
        `DeadLetters${index || ''}`,
        'a dead-letter queue contains messages, which are not retried automatically. ' +
          'Inspect the messages, fix the cause, then redrive the executions.',
        { metric: deadLettersIn(queue), threshold: options.deadLetters ?? 1 },
      ),
    ),
    failover: add(
      'Failover',
      "the event source rejects envelopes, and another broker receives them. The function's logs contain the errors.",
      { metric: workflow.metric('Failover', { period: PERIOD }), threshold: options.failover ?? 1 },
    ),
    failoverDuration: add(
      'FailoverDuration',
      `the event source has rejected envelopes for ${failoverMinutes} minutes, and another broker receives them. ` +
        'Check that the other broker keeps up, and fix the event source.',
      { metric: workflow.metricFailoverMinutes(), threshold: 1, evaluationPeriods: failoverMinutes },
    ),
    iteratorAge,
    queueAge: eventSourcesOf(workflow).flatMap((source, index) => {
      const age = queueAgeOf(workflow, source);
      if (!age) return [];
      return [
        add(
          `QueueAge${index || ''}`,
          'messages of an event source wait too long. The function is too slow, throttled or failing. ' +
            "Check the function's duration, throttles and errors.",
          { metric: age.metric, threshold: (options.queueAge ?? defaultAge)[age.unit]() },
        ),
      ];
    }),
    retryAge: retryQueuesOf(workflow).flatMap((queue, index) => {
      // The events of all topics wait in one place, which the alarm of an event source watches.
      const isWatched = queue.service === 'sns' && eventSourcesOf(workflow).some(({ service }) => service === 'sns');
      const age = isWatched ? undefined : queueAgeOf(workflow, queue);
      if (!age) return [];
      return [
        add(
          `RetryAge${index || ''}`,
          'messages of a retry queue wait too long, so failed steps are not retried. The function is too slow, throttled or failing. ' +
            "Check the function's duration, throttles and errors.",
          { metric: age.metric, threshold: (options.retryAge ?? defaultAge.plus(MAX_DELAY))[age.unit]() },
        ),
      ];
    }),
    retryLateness,
    functionErrors: add(
      'FunctionErrors',
      'invocations of the function crash, reach its timeout, or cannot load its code. Their records are delivered again. ' +
        "Check the function's logs and memory.",
      {
        metric: workflow.function.metricErrors({ period: PERIOD }),
        threshold: options.functionErrors ?? 1,
        evaluationPeriods: 3,
      },
    ),
    throttles: add(
      'Throttles',
      "Lambda throttles the function. Increase the function's reserved concurrency or the account's concurrency limit, " +
        'or reduce the concurrency of the event source.',
      {
        metric: workflow.function.metricThrottles({ period: PERIOD }),
        threshold: options.throttles ?? 1,
        evaluationPeriods: 3,
      },
    ),
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

function check({ node }: Construct, given: WorkflowAlarmsOptions): void {
  const errors = new ValidationErrors();
  const options = checkTypes<WorkflowAlarmsOptions>(errors, given, TYPES);
  for (const threshold of ['failed', 'deadLetters', 'failover', 'functionErrors', 'throttles'] as const) {
    errors.checkInteger(threshold, options[threshold], {
      min: 1,
      reason: 'a threshold of 0 is always reached',
    });
  }
  for (const threshold of ['iteratorAge', 'queueAge', 'retryAge', 'retryLateness'] as const) {
    errors.checkDuration(threshold, options[threshold], {
      min: Duration.seconds(1),
      max: Duration.days(365),
      reason: 'the resolution of the metric is seconds',
    });
  }
  errors.checkDuration('failoverDuration', options.failoverDuration, {
    min: Duration.minutes(1),
    max: Duration.hours(24),
    reason: 'CloudWatch limit',
  });
  if (options.failoverDuration?.isUnresolved() === false && options.failoverDuration.toMilliseconds() % 60_000 !== 0) {
    errors.add(`Invalid failoverDuration ${options.failoverDuration.toHumanString()}: expected whole minutes.`);
  }
  errors.throwIfAny(`alarms of workflow "${node.path}"`);
}

function defaultAgeOf({ function: { timeout = Duration.seconds(3) } }: MonitoredWorkflow): Duration {
  return Duration.seconds(Math.max(300, 2 * timeout.toSeconds()));
}
