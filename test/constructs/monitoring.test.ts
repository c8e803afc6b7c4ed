import { Duration, Stack, aws_lambda as lambda, aws_sns as sns, aws_sqs as sqs } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { newStack, newWorkflow, synthesize, withoutHash } from './support';
import { NAMESPACE } from '../../lambda/aws/cloudwatch/collected-metrics';
import { EventSource, MetricDelivery, RetryQueue, type FsmWorkflowProps, type WorkflowAlarmsOptions } from 'cdk-lambda-fsm';

function alarmsOf(props: Partial<FsmWorkflowProps>, options: (stack: Stack) => WorkflowAlarmsOptions = () => ({})) {
  const stack = newStack();
  newWorkflow(stack, { workflowName: 'orders', ...props }).addAlarms(options(stack));
  const template = Template.fromStack(stack);
  const alarms = Object.entries(template.findResources('AWS::CloudWatch::Alarm'))
    .map(([id, { Properties }]) => [withoutHash(id).replace('OrdersAlarms', ''), Properties] as const);
  return { template, alarms: Object.fromEntries(alarms) };
}

function dashboardOf(props: Partial<FsmWorkflowProps>): { readonly json: string; readonly titles: string[] } {
  const stack = newStack();
  const workflow = newWorkflow(stack, { workflowName: 'orders', ...props });
  workflow.addDashboard({ alarms: workflow.addAlarms() });
  const [dashboard] = Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Dashboard'));
  const [, parts] = dashboard?.Properties.DashboardBody['Fn::Join'] as [string, unknown[]];
  // What is known only at deployment stands within strings, but for the numbers that there are none of.
  const json = parts.map((part) => typeof part === 'string' ? part : 'REFERENCE').join('');
  const { widgets } = JSON.parse(json) as { widgets: { properties: { title: string } }[] };
  return { json, titles: widgets.map(({ properties }) => properties.title) };
}

const DYNAMODB = { eventSource: EventSource.dynamoDb(), retryQueue: RetryQueue.dynamoDb() };

describe('alarms', () => {
  test('are those that make sense for queues', () => {
    const { alarms } = alarmsOf({});
    expect(Object.keys(alarms).sort()).toEqual(['DeadLetters', 'Failed', 'Failover', 'FailoverDuration', 'QueueAge', 'Throttles']);
    expect(alarms).toMatchObject({
      Failed: { Namespace: 'CdkLambdaFsm', MetricName: 'Fatal', Dimensions: [{ Name: 'workflow', Value: 'orders' }], Statistic: 'Sum', Threshold: 1, Period: 300 },
      DeadLetters: { Namespace: 'AWS/SQS', MetricName: 'ApproximateNumberOfMessagesVisible', Statistic: 'Maximum', Threshold: 1 },
      Failover: { Namespace: 'CdkLambdaFsm', MetricName: 'Failover', Statistic: 'Sum', Threshold: 1 },
      FailoverDuration: { Threshold: 1, EvaluationPeriods: 15 },
      QueueAge: { Namespace: 'AWS/SQS', MetricName: 'ApproximateAgeOfOldestMessage', Statistic: 'Maximum', Threshold: 300 },
      Throttles: { Namespace: 'AWS/Lambda', MetricName: 'Throttles', Threshold: 1, EvaluationPeriods: 3 },
    });
    for (const alarm of Object.values(alarms)) {
      expect(alarm).toMatchObject({ ComparisonOperator: 'GreaterThanOrEqualToThreshold', TreatMissingData: 'notBreaching' });
      expect(alarm.AlarmDescription).toMatch(/^orders: /);
    }
  });

  test('are those that make sense for a stream', () => {
    const { alarms } = alarmsOf(DYNAMODB);
    expect(Object.keys(alarms).sort()).toEqual(['DeadLetters', 'Failed', 'Failover', 'FailoverDuration', 'IteratorAge', 'Throttles']);
    expect(alarms.IteratorAge).toMatchObject({ Namespace: 'AWS/Lambda', MetricName: 'IteratorAge', Statistic: 'Maximum', Threshold: 300_000 });
  });

  test('watch the failover, and the dead-letter queue that a FIFO queue needs besides', () => {
    const { alarms } = alarmsOf({ eventSource: EventSource.dynamoDb(), failoverEventSource: EventSource.sqs({ fifo: true }) });
    expect(Object.keys(alarms).sort()).toEqual(['DeadLetters', 'DeadLetters1', 'Failed', 'Failover', 'FailoverDuration', 'IteratorAge', 'QueueAge1', 'Throttles']);
    expect(alarms.DeadLetters1.Dimensions).not.toEqual(alarms.DeadLetters.Dimensions);
  });

  test('are those that make sense for Kinesis and SNS', () => {
    const { alarms } = alarmsOf({ eventSource: EventSource.sns(), failoverEventSource: EventSource.kinesis() });
    expect(Object.keys(alarms).sort()).toEqual(['DeadLetters', 'Failed', 'Failover', 'FailoverDuration', 'IteratorAge', 'QueueAge', 'Throttles']);
    expect(alarms.QueueAge).toMatchObject({ Namespace: 'AWS/Lambda', MetricName: 'AsyncEventAge', Statistic: 'Maximum', Threshold: 300_000 });
  });

  test('watch queues that are given', () => {
    const stack = newStack();
    const queue = (name: string) => sqs.Queue.fromQueueArn(stack, name, `arn:aws:sqs:eu-west-1:123456789012:${name}`);
    newWorkflow(stack, { eventSource: EventSource.sqs({ queue: queue('events') }), deadLetterQueue: queue('letters') }).addAlarms();
    const template = Template.fromStack(stack);
    for (const name of ['events', 'letters']) {
      template.hasResourceProperties('AWS::CloudWatch::Alarm', { Dimensions: [{ Name: 'QueueName', Value: name }] });
    }
  });

  test('take other thresholds', () => {
    const { alarms } = alarmsOf({ failoverEventSource: EventSource.dynamoDb() }, () => ({
      failed: 2,
      deadLetters: 3,
      failover: 4,
      failoverDuration: Duration.hours(2),
      throttles: 5,
      queueAge: Duration.minutes(1),
      iteratorAge: Duration.minutes(2),
    }));
    const thresholds = Object.fromEntries(Object.entries(alarms).map(([name, { Threshold }]) => [name, Threshold]));
    expect(thresholds).toEqual({
      Failed: 2, DeadLetters: 3, Failover: 4, FailoverDuration: 1, Throttles: 5, QueueAge: 60, IteratorAge: 120_000,
    });
    expect(alarms.FailoverDuration.EvaluationPeriods).toBe(120);
  });

  test('tell of a failover that lasts: of each of its minutes that envelopes were taken by something else', () => {
    expect(alarmsOf({}).alarms.FailoverDuration.Metrics).toMatchObject([
      { Expression: 'IF(FILL(failovers, 0) > 0, 1, 0)' },
      { Id: 'failovers', MetricStat: { Metric: { MetricName: 'Failover' }, Period: 60, Stat: 'Sum' } },
    ]);
  });

  test('leave a slow function time', () => {
    expect(alarmsOf({ timeout: Duration.minutes(15) }).alarms.QueueAge.Threshold).toBe(1_800);
  });

  test('tell a topic when they go off and when they are over', () => {
    const { template, alarms } = alarmsOf({}, (stack) => ({ topic: new sns.Topic(stack, 'OnCall') }));
    const [topic] = Object.keys(template.findResources('AWS::SNS::Topic'));
    for (const alarm of Object.values(alarms)) {
      expect(alarm).toMatchObject({ AlarmActions: [{ Ref: topic }], OKActions: [{ Ref: topic }] });
    }
  });

  test('are given back by name', () => {
    const { all, ...named } = newWorkflow(newStack(), { failoverEventSource: EventSource.dynamoDb() }).addAlarms();
    expect(new Set(all)).toEqual(new Set(Object.values(named).flat()));
    expect(all).toHaveLength(7);
  });

  test('with thresholds that make no sense are refused, all at once', () => {
    const wrong = { failed: 0, throttles: 1.5, queueAge: Duration.millis(10), failoverDuration: Duration.seconds(90) };
    expect(() => alarmsOf({}, () => wrong)).toThrow(
      /4 problems:\n.*failed must be a whole number from 1 .*is 0\.\n.*throttles must be .*is 1\.5\.\n.*queueAge must be whole seconds.*\n.*failoverDuration must be whole minutes/,
    );
  });
});

describe('the dashboard', () => {
  test('shows the alarms, whether it works, whether it keeps up, and why it fails', () => {
    const { titles } = dashboardOf({});
    expect(titles).toEqual([
      'orders',
      'Executions', 'Failures', 'Milliseconds of a step, and of an envelope on its way',
      'Waiting', 'Dead letters', 'Services that do not answer',
      'Transitions by state', 'Milliseconds of a step by state, p99', 'Failed attempts by state',
      'Invocations', 'Milliseconds of an invocation', 'Delivered once more, or before there is room',
    ]);
  });

  test('finds the states by itself', () => {
    expect(dashboardOf({}).json).toContain(
      'SEARCH(\'{CdkLambdaFsm,workflow,machine,state} MetricName=\\"StepDuration\\" workflow=\\"orders\\"\', \'p99\', 60)',
    );
  });

  test.each([
    ['queues', {}, ['ApproximateAgeOfOldestMessage'], ['IteratorAge']],
    ['streams', DYNAMODB, ['IteratorAge'], ['ApproximateAgeOfOldestMessage']],
    ['both', { failoverEventSource: EventSource.dynamoDb() }, ['IteratorAge', 'ApproximateAgeOfOldestMessage'], []],
  ])('shows what waits in %s', (_, props, shown, hidden) => {
    const { json } = dashboardOf(props);
    for (const metric of shown) expect(json).toContain(metric);
    for (const metric of hidden) expect(json).not.toContain(metric);
  });

  test('shows the time spent in failover', () => {
    expect(dashboardOf({}).json).toContain('"expression":"IF(FILL(failovers, 0) > 0, 1, 0)"');
  });

  test('takes a name', () => {
    const stack = newStack();
    newWorkflow(stack).addDashboard({ dashboardName: 'orders' });
    Template.fromStack(stack).hasResourceProperties('AWS::CloudWatch::Dashboard', { DashboardName: 'orders', DashboardBody: Match.anyValue() });
  });
});

describe('tracing', () => {
  const tracing = (props: Partial<FsmWorkflowProps>) => {
    const template = synthesize(() => props);
    const [handler] = Object.values(template.findResources('AWS::Lambda::Function'));
    return { mode: handler?.Properties.TracingConfig?.Mode, mayTrace: JSON.stringify(template.toJSON()).includes('xray:PutTraceSegments') };
  };

  test('is off unless it is asked for', () => {
    expect(tracing({})).toEqual({ mode: undefined, mayTrace: false });
  });

  test('comes with the right to write traces', () => {
    expect(tracing({ tracing: lambda.Tracing.ACTIVE })).toEqual({ mode: 'Active', mayTrace: true });
  });
});

describe('metrics', () => {
  const rights = (props: Partial<FsmWorkflowProps>) => Object.values(synthesize(() => props).findResources('AWS::IAM::Policy'))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement as { Action: string | string[] }[])
    .filter(({ Action }) => [Action].flat().some((action) => action.startsWith('cloudwatch:')));

  test('come with the logs, for which no right is needed', () => {
    expect(rights({})).toEqual([]);
  });

  test('can be put by requests, into the namespace of workflows alone', () => {
    expect(rights({ metricDelivery: MetricDelivery.PUT_METRIC_DATA })).toEqual([{
      Effect: 'Allow',
      Action: 'cloudwatch:PutMetricData',
      Resource: '*',
      Condition: { StringEquals: { 'cloudwatch:namespace': 'CdkLambdaFsm' } },
    }]);
  });

  test('bear the namespace that the runtime gives them', () => {
    expect(newWorkflow(newStack()).metricTransitions().namespace).toBe(NAMESPACE);
  });
});

test('the template of all of it', () => {
  const stack = newStack();
  const workflow = newWorkflow(stack, { workflowName: 'orders', failoverEventSource: EventSource.dynamoDb() });
  workflow.addDashboard({ alarms: workflow.addAlarms({ topic: new sns.Topic(stack, 'OnCall') }) });
  const template = Template.fromStack(stack);
  expect({
    ...template.findResources('AWS::CloudWatch::Alarm'),
    ...template.findResources('AWS::CloudWatch::Dashboard'),
  }).toMatchSnapshot();
});
