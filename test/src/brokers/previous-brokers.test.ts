import { Duration, aws_iam as iam, aws_kinesis as kinesis, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import {
  existingQueue,
  mapping,
  newStack,
  newWorkflow,
  permissions,
  refusal,
  synthesize,
} from '../../support/constructs';
import { EventSource, RetryQueue, type FsmWorkflowProps } from 'cdk-lambda-fsm';

type Props = Partial<FsmWorkflowProps>;

/** The logical ids of the resources that may hold envelopes, and of their mappings. */
function carriers(props: (stack: Stack) => Props): string[] {
  const { Resources } = synthesize(props).toJSON() as {
    readonly Resources: Record<string, { readonly Type: string }>;
  };
  const types = [
    'AWS::SQS::Queue',
    'AWS::Kinesis::Stream',
    'AWS::SNS::Topic',
    'AWS::DynamoDB::Table',
    'AWS::Lambda::EventSourceMapping',
    'AWS::SNS::Subscription',
    'AWS::Events::Rule',
  ];
  return Object.entries(Resources)
    .filter(([, { Type }]) => types.includes(Type))
    .map(([id]) => id);
}

/** Each change, with the brokers before and after it. All brokers of before are still there after it. */
const CHANGES: [change: string, before: (stack: Stack) => Props, after: (stack: Stack) => Props][] = [
  [
    'another event source',
    () => ({}),
    () => ({ eventSource: EventSource.kinesis(), previousEventSources: [EventSource.sqs()] }),
  ],
  [
    'a FIFO queue instead of a standard queue',
    () => ({ eventSource: EventSource.sqs() }),
    () => ({ eventSource: EventSource.sqs({ fifo: true }), previousEventSources: [EventSource.sqs()] }),
  ],
  [
    'the failover and the event source change places',
    () => ({ eventSource: EventSource.sqs(), failoverEventSource: EventSource.kinesis() }),
    () => ({ eventSource: EventSource.kinesis(), failoverEventSource: EventSource.sqs() }),
  ],
  [
    'two queues change places',
    () => ({ eventSource: EventSource.sqs({ batchSize: 5 }), failoverEventSource: EventSource.sqs() }),
    () => ({ eventSource: EventSource.sqs(), failoverEventSource: EventSource.sqs({ batchSize: 5 }) }),
  ],
  [
    'no failover any more',
    () => ({ failoverEventSource: EventSource.sns() }),
    () => ({ previousEventSources: [EventSource.sns()] }),
  ],
  [
    'the failover becomes the event source',
    () => ({ eventSource: EventSource.sqs(), failoverEventSource: EventSource.dynamoDb() }),
    () => ({ eventSource: EventSource.dynamoDb(), previousEventSources: [EventSource.sqs()] }),
  ],
  [
    'another retry queue',
    () => ({ retryQueue: RetryQueue.dynamoDb() }),
    () => ({ retryQueue: RetryQueue.sqs(), previousRetryQueues: [RetryQueue.dynamoDb()] }),
  ],
  [
    'a retry queue becomes the failover',
    () => ({ retryQueue: RetryQueue.sqs() }),
    () => ({ retryQueue: RetryQueue.dynamoDb(), failoverRetryQueue: RetryQueue.sqs() }),
  ],
  [
    'another existing queue',
    (stack) => ({ eventSource: EventSource.sqs({ queue: existingQueue(stack, 'A') }) }),
    (stack) => ({
      previousEventSources: [EventSource.sqs({ queue: existingQueue(stack, 'A') })],
      eventSource: EventSource.sqs({ queue: existingQueue(stack, 'B') }),
    }),
  ],
  [
    'another number of shards, retention or batch size',
    () => ({ eventSource: EventSource.kinesis({ shardCount: 1 }) }),
    () => ({ eventSource: EventSource.kinesis({ batchSize: 50, retentionPeriod: Duration.days(1) }) }),
  ],
  [
    'an enhanced fan-out consumer',
    () => ({ eventSource: EventSource.kinesis() }),
    () => ({ eventSource: EventSource.kinesis({ enhancedFanOut: true }) }),
  ],
];

test.each(CHANGES)('%s keeps every queue, stream, topic and table, and its mapping', (_change, before, after) => {
  expect(carriers(after)).toEqual(expect.arrayContaining(carriers(before)));
});

test('a queue that is removed without being listed is retained', () => {
  const queues = Object.entries(synthesize().findResources('AWS::SQS::Queue'));
  expect(queues.length).toBeGreaterThanOrEqual(3);
  for (const [, { DeletionPolicy, UpdateReplacePolicy }] of queues) {
    expect({ DeletionPolicy, UpdateReplacePolicy }).toEqual({
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
    });
  }
});

test('the function receives from a previous event source, and cannot send to it', () => {
  const template = synthesize(() => ({
    eventSource: EventSource.kinesis(),
    previousEventSources: [EventSource.sqs({ batchSize: 7 })],
  }));
  expect(mapping(template, 'EventSourceSqs')).toMatchObject({ BatchSize: 7 });
  const actions = permissions(template, 'OrdersRoleDefaultPolicy')['OrdersEventSourceSqsQueue.Arn'];
  expect(actions).toContain('sqs:ReceiveMessage');
  expect(actions).not.toContain('sqs:SendMessage');
});

test('a previous retry table is still read when its entries are due', () => {
  const stack = newStack();
  const workflow = newWorkflow(stack, { previousRetryQueues: [RetryQueue.dynamoDb()] });
  const configuration = JSON.stringify(stack.resolve(workflow.clientConfiguration));
  expect(configuration).toContain('previousRetryQueues');
  const template = Template.fromStack(stack);
  template.resourceCountIs('AWS::Events::Rule', 1);
  expect(configuration).toMatch(/"previousRetryQueues\\":\[\{\\"service\\":\\"dynamodb\\"/);
});

test('clients that are not deployed again may still send to a previous event source', () => {
  const stack = newStack();
  const workflow = newWorkflow(stack, {
    eventSource: EventSource.kinesis(),
    previousEventSources: [EventSource.sqs()],
  });
  workflow.grantStart(new iam.Role(stack, 'Client', { assumedBy: new iam.AccountRootPrincipal() }));
  const policies = JSON.stringify(Template.fromStack(stack).findResources('AWS::IAM::Policy'));
  const clientPolicy = policies.slice(policies.indexOf('"ClientDefaultPolicy'));
  expect(clientPolicy).toContain('OrdersEventSourceSqsQueue');
});

test('a broker that is current and previous is refused', () => {
  expect(
    refusal((stack) => {
      const stream = kinesis.Stream.fromStreamArn(
        stack,
        'Theirs',
        'arn:aws:kinesis:eu-west-1:123456789012:stream/theirs',
      );
      return {
        eventSource: EventSource.kinesis({ stream }),
        previousEventSources: [EventSource.kinesis({ stream })],
      };
    }),
  ).toContain(
    'previousEventSources[0] and eventSource use the same resource, which the workflow receives from anyway. Remove it from previousEventSources[0].',
  );
});
