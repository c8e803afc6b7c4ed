import { Duration, aws_kms as kms, aws_sqs as sqs } from 'aws-cdk-lib';
import { mapping, newStack, newWorkflow, synthesize } from './support';
import { EventSource, RetryQueue } from 'cdk-lambda-fsm';

const IMPORTED = 'arn:aws:sqs:eu-west-1:123456789012:theirs';

test('a queue is encrypted, keeps messages for 14 days, and hides them for six times the timeout of the function', () => {
  const template = synthesize(() => ({ timeout: Duration.seconds(50) }));
  for (const logicalId of ['EventSourceQueue', 'RetryQueue']) {
    const [, queue] = Object.entries(template.findResources('AWS::SQS::Queue')).find(([id]) => id.startsWith(`Orders${logicalId}`))!;
    expect(queue.Properties).toEqual({
      MessageRetentionPeriod: 14 * 86_400,
      SqsManagedSseEnabled: true,
      VisibilityTimeout: 300,
      RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': [expect.stringMatching(/^OrdersDeadLetterQueue/), 'Arn'] }, maxReceiveCount: 100 },
    });
  }
  template.resourcePropertiesCountIs('AWS::SQS::Queue', { MessageRetentionPeriod: 14 * 86_400, SqsManagedSseEnabled: true }, 3);
});

test('each queue refuses plain HTTP', () => {
  const template = synthesize(() => ({ eventSource: EventSource.sqs({ fifo: true }) }));
  const policies = Object.values(template.findResources('AWS::SQS::QueuePolicy'));
  expect(policies).toHaveLength(Object.keys(template.findResources('AWS::SQS::Queue')).length);
  for (const { Properties } of policies) {
    expect(Properties.PolicyDocument.Statement).toEqual([expect.objectContaining({
      Effect: 'Deny', Action: 'sqs:*', Principal: { AWS: '*' }, Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    })]);
  }
});

test('a key of one\'s own encrypts all queues', () => {
  const template = synthesize((stack) => ({ encryptionKey: new kms.Key(stack, 'Key'), eventSource: EventSource.sqs({ fifo: true }) }));
  const queues = Object.values(template.findResources('AWS::SQS::Queue'));
  expect(queues).toHaveLength(4);
  for (const { Properties } of queues) {
    expect(Properties.KmsMasterKeyId).toEqual({ 'Fn::GetAtt': [expect.stringMatching(/^Key/), 'Arn'] });
  }
});

test('the function gets batches, and gives back single messages', () => {
  const template = synthesize();
  for (const id of ['EventSource', 'RetryQueue']) {
    expect(mapping(template, id)).toMatchObject({ BatchSize: 10, FunctionResponseTypes: ['ReportBatchItemFailures'] });
  }
});

test('the options of a queue reach AWS', () => {
  const options = { batchSize: 500, maxBatchingWindow: Duration.seconds(2), maxConcurrency: 7, maxReceiveCount: 33 };
  const template = synthesize(() => ({ eventSource: EventSource.sqs(options), retryQueue: RetryQueue.sqs(options) }));
  for (const id of ['EventSource', 'RetryQueue']) {
    expect(mapping(template, id)).toMatchObject({
      BatchSize: 500, MaximumBatchingWindowInSeconds: 2, ScalingConfig: { MaximumConcurrency: 7 },
    });
  }
  template.resourcePropertiesCountIs('AWS::SQS::Queue', { VisibilityTimeout: 6 * 30 + 2, RedrivePolicy: { maxReceiveCount: 33 } }, 2);
});

test('a FIFO queue lets executions pass each other, and has a FIFO dead-letter queue', () => {
  const template = synthesize(() => ({ eventSource: EventSource.sqs({ fifo: true }) }));
  template.hasResourceProperties('AWS::SQS::Queue', {
    FifoQueue: true,
    DeduplicationScope: 'messageGroup',
    FifoThroughputLimit: 'perMessageGroupId',
    RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': [expectLogicalId(template, 'OrdersEventSourceDeadLetterQueue'), 'Arn'] } },
  });
  template.resourcePropertiesCountIs('AWS::SQS::Queue', { FifoQueue: true }, 2);
});

test('a given queue is used as it is', () => {
  const template = synthesize((stack) => ({
    eventSource: EventSource.sqs({ queue: sqs.Queue.fromQueueArn(stack, 'Primary', IMPORTED) }),
    retryQueue: RetryQueue.sqs({ queue: new sqs.Queue(stack, 'Mine', { visibilityTimeout: Duration.minutes(3) }) }),
  }));
  expect(mapping(template, 'EventSource')).toMatchObject({ EventSourceArn: IMPORTED });
  expect(mapping(template, 'RetryQueue')).toMatchObject({ EventSourceArn: { 'Fn::GetAtt': [expect.stringMatching(/^Mine/), 'Arn'] } });
  template.resourceCountIs('AWS::SQS::Queue', 2);
});

test('a given FIFO queue is known by its name', () => {
  const stack = newStack();
  const workflow = newWorkflow(stack, { eventSource: EventSource.sqs({ queue: sqs.Queue.fromQueueArn(stack, 'Queue', `${IMPORTED}.fifo`) }) });
  expect(stack.resolve(workflow.clientConfiguration)['Fn::Join'][1].join('')).toContain('"fifo":true');
});

test('the queues can be had from the workflow', () => {
  const workflow = newWorkflow(newStack(), { failoverEventSource: EventSource.sqs(), failoverRetryQueue: RetryQueue.sqs() });
  const transports = [workflow.eventSource, workflow.failoverEventSource, workflow.retryQueue, workflow.failoverRetryQueue];
  expect(new Set(transports.map((transport) => transport?.queue?.node.path)).size).toBe(4);
});

function expectLogicalId(template: ReturnType<typeof synthesize>, prefix: string): string {
  const ids = Object.keys(template.toJSON().Resources).filter((id) => id.startsWith(prefix) && !id.includes('Policy'));
  expect(ids).toHaveLength(1);
  return ids[0]!;
}
