import { Duration, Stack, aws_lambda as lambda, aws_sns as sns, aws_sqs as sqs } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { METRIC_NAMESPACE } from '../../../lambda/contract/metrics';
import { newStack, newWorkflow, synthesize, withoutHash } from '../../support/constructs';
import {
  EventSource,
  MetricDelivery,
  RetryQueue,
  type FsmWorkflowProps,
  type WorkflowAlarmsOptions,
} from 'cdk-lambda-fsm';

function alarmsOf(props: Partial<FsmWorkflowProps>, options: (stack: Stack) => WorkflowAlarmsOptions = () => ({})) {
  const stack = newStack();
  newWorkflow(stack, { workflowName: 'orders', ...props }).addAlarms(options(stack));
  const template = Template.fromStack(stack);
  const alarms = Object.entries(template.findResources('AWS::CloudWatch::Alarm')).map(
    ([id, { Properties }]) => [withoutHash(id).replace('OrdersAlarms', ''), Properties] as const,
  );
  return { template, alarms: Object.fromEntries(alarms) };
}

function dashboardOf(props: Partial<FsmWorkflowProps>): { readonly json: string; readonly titles: string[] } {
  const stack = newStack();
  const workflow = newWorkflow(stack, { workflowName: 'orders', ...props });
  workflow.addDashboard({ alarms: workflow.addAlarms() });
  const [dashboard] = Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Dashboard'));
  const [, parts] = dashboard?.Properties.DashboardBody['Fn::Join'] as [string, unknown[]];
  // Tokens occur only within strings of the JSON.
  const json = parts.map((part) => (typeof part === 'string' ? part : 'REFERENCE')).join('');
  const { widgets } = JSON.parse(json) as { widgets: { properties: { title: string } }[] };
  return { json, titles: widgets.map(({ properties }) => properties.title) };
}

const DYNAMODB = { eventSource: EventSource.dynamoDb(), retryQueue: RetryQueue.dynamoDb() };

describe('alarms', () => {
  test('for queues', () => {
    const { alarms } = alarmsOf({});
    expect(Object.keys(alarms).sort()).toEqual([
      'DeadLetters',
      'Failed',
      'Failover',
      'FailoverDuration',
      'FunctionErrors',
      'QueueAge',
      'RetryAge',
      'Throttles',
    ]);
    expect(alarms).toMatchObject({
      Failed: {
        Namespace: 'CdkLambdaFsm',
        MetricName: 'Fatal',
        Dimensions: [{ Name: 'workflow', Value: 'orders' }],
        Statistic: 'Sum',
        Threshold: 1,
        Period: 300,
      },
      DeadLetters: {
        Namespace: 'AWS/SQS',
        MetricName: 'ApproximateNumberOfMessagesVisible',
        Statistic: 'Maximum',
        Threshold: 1,
      },
      Failover: { Namespace: 'CdkLambdaFsm', MetricName: 'Failover', Statistic: 'Sum', Threshold: 1 },
      FailoverDuration: { Threshold: 1, EvaluationPeriods: 15 },
      QueueAge: {
        Namespace: 'AWS/SQS',
        MetricName: 'ApproximateAgeOfOldestMessage',
        Statistic: 'Maximum',
        Threshold: 300,
      },
      RetryAge: {
        Namespace: 'AWS/SQS',
        MetricName: 'ApproximateAgeOfOldestMessage',
        Statistic: 'Maximum',
        Threshold: 1_200,
      },
      FunctionErrors: { Namespace: 'AWS/Lambda', MetricName: 'Errors', Threshold: 1, EvaluationPeriods: 3 },
      Throttles: { Namespace: 'AWS/Lambda', MetricName: 'Throttles', Threshold: 1, EvaluationPeriods: 3 },
    });
    for (const alarm of Object.values(alarms)) {
      expect(alarm).toMatchObject({
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
        TreatMissingData: 'notBreaching',
      });
      expect(alarm.AlarmDescription).toMatch(/^orders: /);
    }
  });

  test('for a stream', () => {
    const { alarms } = alarmsOf(DYNAMODB);
    expect(Object.keys(alarms).sort()).toEqual([
      'DeadLetters',
      'Failed',
      'Failover',
      'FailoverDuration',
      'FunctionErrors',
      'IteratorAge',
      'RetryLateness',
      'Throttles',
    ]);
    expect(alarms.IteratorAge).toMatchObject({
      Namespace: 'AWS/Lambda',
      MetricName: 'IteratorAge',
      Statistic: 'Maximum',
      Threshold: 300_000,
    });
    expect(alarms.RetryLateness).toMatchObject({
      Namespace: 'CdkLambdaFsm',
      MetricName: 'RetryLateness',
      Dimensions: [{ Name: 'workflow', Value: 'orders' }],
      Statistic: 'Maximum',
      Threshold: 300_000,
    });
  });

  test('include the failover event source and the dead-letter queue of a FIFO queue', () => {
    const { alarms } = alarmsOf({
      eventSource: EventSource.dynamoDb(),
      failoverEventSource: EventSource.sqs({ fifo: true }),
    });
    expect(Object.keys(alarms).sort()).toEqual([
      'DeadLetters',
      'DeadLetters1',
      'Failed',
      'Failover',
      'FailoverDuration',
      'FunctionErrors',
      'IteratorAge',
      'QueueAge1',
      'RetryAge',
      'Throttles',
    ]);
    expect(alarms.DeadLetters1.Dimensions).not.toEqual(alarms.DeadLetters.Dimensions);
  });

  test('include the failover retry queue', () => {
    const { alarms } = alarmsOf({ retryQueue: RetryQueue.dynamoDb(), failoverRetryQueue: RetryQueue.sqs() });
    expect(Object.keys(alarms)).toEqual(expect.arrayContaining(['RetryLateness', 'RetryAge1']));
    expect(alarms.RetryAge1.Dimensions).not.toEqual(alarms.QueueAge.Dimensions);
  });

  test('watch the events of all topics once', () => {
    const retryQueue = RetryQueue.sns({ ignoreBackoff: true });
    const { alarms } = alarmsOf({ retryQueue });
    expect(alarms.RetryAge).toMatchObject({ MetricName: 'AsyncEventAge', Threshold: 1_200_000 });
    expect(alarmsOf({ eventSource: EventSource.sns(), retryQueue }).alarms).not.toHaveProperty('RetryAge');
  });

  test('for Kinesis and SNS', () => {
    const { alarms } = alarmsOf({ eventSource: EventSource.sns(), failoverEventSource: EventSource.kinesis() });
    expect(Object.keys(alarms).sort()).toEqual([
      'DeadLetters',
      'Failed',
      'Failover',
      'FailoverDuration',
      'FunctionErrors',
      'IteratorAge',
      'QueueAge',
      'RetryAge',
      'Throttles',
    ]);
    expect(alarms.QueueAge).toMatchObject({
      Namespace: 'AWS/Lambda',
      MetricName: 'AsyncEventAge',
      Statistic: 'Maximum',
      Threshold: 300_000,
    });
  });

  test('include existing queues', () => {
    const stack = newStack();
    const queue = (name: string) => sqs.Queue.fromQueueArn(stack, name, `arn:aws:sqs:eu-west-1:123456789012:${name}`);
    newWorkflow(stack, {
      eventSource: EventSource.sqs({ queue: queue('events') }),
      deadLetterQueue: queue('letters'),
    }).addAlarms();
    const template = Template.fromStack(stack);
    for (const name of ['events', 'letters']) {
      template.hasResourceProperties('AWS::CloudWatch::Alarm', { Dimensions: [{ Name: 'QueueName', Value: name }] });
    }
  });

  test('with custom thresholds', () => {
    const brokers = { failoverEventSource: EventSource.dynamoDb(), failoverRetryQueue: RetryQueue.dynamoDb() };
    const { alarms } = alarmsOf(brokers, () => ({
      failed: 2,
      deadLetters: 3,
      failover: 4,
      failoverDuration: Duration.hours(2),
      throttles: 5,
      queueAge: Duration.minutes(1),
      iteratorAge: Duration.minutes(2),
      retryAge: Duration.minutes(3),
      retryLateness: Duration.minutes(4),
      functionErrors: 6,
    }));
    const thresholds = Object.fromEntries(Object.entries(alarms).map(([name, { Threshold }]) => [name, Threshold]));
    expect(thresholds).toEqual({
      Failed: 2,
      DeadLetters: 3,
      Failover: 4,
      FailoverDuration: 1,
      Throttles: 5,
      QueueAge: 60,
      IteratorAge: 120_000,
      RetryAge: 180,
      RetryLateness: 240_000,
      FunctionErrors: 6,
    });
    expect(alarms.FailoverDuration.EvaluationPeriods).toBe(120);
  });

  test('measure the failover duration by minutes with failovers', () => {
    expect(alarmsOf({}).alarms.FailoverDuration.Metrics).toMatchObject([
      { Expression: 'IF(FILL(failovers, 0) > 0, 1, 0)' },
      { Id: 'failovers', MetricStat: { Metric: { MetricName: 'Failover' }, Period: 60, Stat: 'Sum' } },
    ]);
  });

  test('derive the default age from the timeout of the function', () => {
    const { alarms } = alarmsOf({ timeout: Duration.minutes(15), failoverRetryQueue: RetryQueue.dynamoDb() });
    expect(alarms).toMatchObject({
      QueueAge: { Threshold: 1_800 },
      RetryAge: { Threshold: 2_700 },
      RetryLateness: { Threshold: 1_800_000 },
    });
  });

  test('notify a topic of changes to ALARM and to OK', () => {
    const { template, alarms } = alarmsOf({}, (stack) => ({ topic: new sns.Topic(stack, 'OnCall') }));
    const [topic] = Object.keys(template.findResources('AWS::SNS::Topic'));
    for (const alarm of Object.values(alarms)) {
      expect(alarm).toMatchObject({ AlarmActions: [{ Ref: topic }], OKActions: [{ Ref: topic }] });
    }
  });

  test('are returned by name', () => {
    const { all, ...named } = newWorkflow(newStack(), { failoverEventSource: EventSource.dynamoDb() }).addAlarms();
    const alarms = Object.values(named).flat();
    expect(new Set(all)).toEqual(new Set(alarms.filter((alarm) => alarm !== undefined)));
    expect(all).toHaveLength(9);
  });

  test('reject invalid thresholds, with all errors together', () => {
    const wrong = { failed: 0, throttles: 1.5, queueAge: Duration.millis(10), failoverDuration: Duration.seconds(90) };
    expect(() => alarmsOf({}, () => wrong)).toThrow(
      /^Invalid alarms of workflow "Stack\/Orders": 4 errors:\n.*Invalid failed 0: expected an integer of at least 1.*\n.*Invalid throttles 1\.5: .*\n.*Invalid queueAge .* in whole seconds.*\n.*Invalid failoverDuration .*: expected whole minutes/,
    );
  });
});

describe('dashboard', () => {
  test('shows the alarms, whether it works, whether it keeps up, and why it fails', () => {
    const { titles } = dashboardOf({});
    expect(titles).toEqual([
      'orders',
      'Executions',
      'Failures',
      'Step duration and envelope age (ms)',
      'Backlog',
      'Dead letters',
      'Service failures',
      'Transitions by state',
      'Step duration by state, p99 (ms)',
      'Failed attempts by state',
      'Invocations',
      'Invocation duration (ms)',
      'Duplicate, busy and delayed envelopes',
    ]);
  });

  test('searches for the states', () => {
    expect(dashboardOf({}).json).toContain(
      'SEARCH(\'{CdkLambdaFsm,workflow,machine,state} MetricName=\\"StepDuration\\" workflow=\\"orders\\"\', \'p99\', 60)',
    );
  });

  test.each([
    ['queues', {}, ['ApproximateAgeOfOldestMessage'], ['IteratorAge', 'RetryLateness']],
    ['streams', DYNAMODB, ['IteratorAge', 'RetryLateness'], ['ApproximateAgeOfOldestMessage']],
    ['both', { failoverEventSource: EventSource.dynamoDb() }, ['IteratorAge', 'ApproximateAgeOfOldestMessage'], []],
  ])('shows the backlog of %s', (_, props, shown, hidden) => {
    const { json } = dashboardOf(props);
    for (const metric of shown) expect(json).toContain(metric);
    for (const metric of hidden) expect(json).not.toContain(metric);
  });

  test('shows the time spent in failover', () => {
    expect(dashboardOf({}).json).toContain('"expression":"IF(FILL(failovers, 0) > 0, 1, 0)"');
  });

  test('has a custom name', () => {
    const stack = newStack();
    newWorkflow(stack).addDashboard({ dashboardName: 'orders' });
    Template.fromStack(stack).hasResourceProperties('AWS::CloudWatch::Dashboard', {
      DashboardName: 'orders',
      DashboardBody: Match.anyValue(),
    });
  });
});

describe('tracing', () => {
  const tracing = (props: Partial<FsmWorkflowProps>) => {
    const template = synthesize(() => props);
    const [handler] = Object.values(template.findResources('AWS::Lambda::Function'));
    return {
      mode: handler?.Properties.TracingConfig?.Mode,
      mayTrace: JSON.stringify(template.toJSON()).includes('xray:PutTraceSegments'),
    };
  };

  test('is disabled by default', () => {
    expect(tracing({})).toEqual({ mode: undefined, mayTrace: false });
  });

  test('grants permission to write segments', () => {
    expect(tracing({ tracing: lambda.Tracing.ACTIVE })).toEqual({ mode: 'Active', mayTrace: true });
  });
});

describe('metrics', () => {
  const permissions = (props: Partial<FsmWorkflowProps>) =>
    Object.values(synthesize(() => props).findResources('AWS::IAM::Policy'))
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement as { Action: string | string[] }[])
      .filter(({ Action }) => [Action].flat().some((action) => action.startsWith('cloudwatch:')));

  test('in the logs need no permission', () => {
    expect(permissions({})).toEqual([]);
  });

  test('by requests need permission for the namespace only', () => {
    expect(permissions({ metricDelivery: MetricDelivery.PUT_METRIC_DATA })).toEqual([
      {
        Effect: 'Allow',
        Action: 'cloudwatch:PutMetricData',
        Resource: '*',
        Condition: { StringEquals: { 'cloudwatch:namespace': 'CdkLambdaFsm' } },
      },
    ]);
  });

  test('have the namespace of the runtime', () => {
    expect(newWorkflow(newStack()).metricTransitions().namespace).toBe(METRIC_NAMESPACE);
  });
});

test('template with all alarms and the dashboard', () => {
  const stack = newStack();
  const workflow = newWorkflow(stack, { workflowName: 'orders', failoverEventSource: EventSource.dynamoDb() });
  workflow.addDashboard({ alarms: workflow.addAlarms({ topic: new sns.Topic(stack, 'OnCall') }) });
  const template = Template.fromStack(stack);
  expect({
    ...template.findResources('AWS::CloudWatch::Alarm'),
    ...template.findResources('AWS::CloudWatch::Dashboard'),
  }).toMatchSnapshot();
});
