import { Duration, aws_kms as kms, aws_sqs as sqs, type Stack } from 'aws-cdk-lib';
import { existingQueue, mapping, newStack, newWorkflow, synthesize } from '../../../support/constructs';
import { EventSource, RetryQueue } from 'cdk-lambda-fsm';

const IMPORTED = 'arn:aws:sqs:eu-west-1:123456789012:theirs';

test('a new queue is encrypted, retains messages for 14 days, and has a visibility timeout of 30 seconds more than the function timeout', () => {
  const template = synthesize(() => ({ timeout: Duration.seconds(50) }));
  for (const logicalId of ['EventSourceSqsQueue', 'RetryQueueSqsQueue']) {
    const [, queue] = Object.entries(template.findResources('AWS::SQS::Queue')).find(([id]) =>
      id.startsWith(`Orders${logicalId}`),
    )!;
    expect(queue.Properties).toEqual({
      MessageRetentionPeriod: 14 * 86_400,
      SqsManagedSseEnabled: true,
      VisibilityTimeout: 80,
      RedrivePolicy: {
        deadLetterTargetArn: { 'Fn::GetAtt': [expect.stringMatching(/^OrdersDeadLetterQueue/), 'Arn'] },
        maxReceiveCount: 1000,
      },
    });
  }
  template.resourcePropertiesCountIs(
    'AWS::SQS::Queue',
    { MessageRetentionPeriod: 14 * 86_400, SqsManagedSseEnabled: true },
    3,
  );
});

test('queues deny plain HTTP', () => {
  const template = synthesize(() => ({ eventSource: EventSource.sqs({ fifo: true }) }));
  const policies = Object.values(template.findResources('AWS::SQS::QueuePolicy'));
  expect(policies).toHaveLength(Object.keys(template.findResources('AWS::SQS::Queue')).length);
  for (const { Properties } of policies) {
    expect(Properties.PolicyDocument.Statement).toEqual([
      expect.objectContaining({
        Effect: 'Deny',
        Action: 'sqs:*',
        Principal: { AWS: '*' },
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
    ]);
  }
});

test('a customer managed key encrypts all queues', () => {
  const template = synthesize((stack) => ({
    encryptionKey: new kms.Key(stack, 'Key'),
    eventSource: EventSource.sqs({ fifo: true }),
  }));
  const queues = Object.values(template.findResources('AWS::SQS::Queue'));
  expect(queues).toHaveLength(4);
  for (const { Properties } of queues) {
    expect(Properties.KmsMasterKeyId).toEqual({ 'Fn::GetAtt': [expect.stringMatching(/^Key/), 'Arn'] });
  }
});

test('the function receives batches, and reports failed messages', () => {
  const template = synthesize();
  for (const id of ['EventSource', 'RetryQueue']) {
    expect(mapping(template, id)).toMatchObject({ BatchSize: 10, FunctionResponseTypes: ['ReportBatchItemFailures'] });
  }
});

test('custom options', () => {
  const options = { batchSize: 500, maxBatchingWindow: Duration.seconds(2), maxConcurrency: 7, maxReceiveCount: 33 };
  const template = synthesize(() => ({ eventSource: EventSource.sqs(options), retryQueue: RetryQueue.sqs(options) }));
  for (const id of ['EventSource', 'RetryQueue']) {
    expect(mapping(template, id)).toMatchObject({
      BatchSize: 500,
      MaximumBatchingWindowInSeconds: 2,
      ScalingConfig: { MaximumConcurrency: 7 },
    });
  }
  template.resourcePropertiesCountIs(
    'AWS::SQS::Queue',
    { VisibilityTimeout: 30 + 2 + 30, RedrivePolicy: { maxReceiveCount: 33 } },
    2,
  );
});

test('a FIFO queue orders messages by execution, and has a FIFO dead-letter queue', () => {
  const template = synthesize(() => ({ eventSource: EventSource.sqs({ fifo: true }) }));
  template.hasResourceProperties('AWS::SQS::Queue', {
    FifoQueue: true,
    DeduplicationScope: 'messageGroup',
    FifoThroughputLimit: 'perMessageGroupId',
    RedrivePolicy: {
      deadLetterTargetArn: {
        'Fn::GetAtt': [expectLogicalId(template, 'OrdersEventSourceSqsFifoDeadLetterQueue'), 'Arn'],
      },
    },
  });
  template.resourcePropertiesCountIs('AWS::SQS::Queue', { FifoQueue: true }, 2);
});

test('an existing queue', () => {
  const template = synthesize((stack) => ({
    eventSource: EventSource.sqs({ queue: sqs.Queue.fromQueueArn(stack, 'Primary', IMPORTED) }),
    retryQueue: RetryQueue.sqs({ queue: existingQueue(stack, 'Mine') }),
  }));
  expect(mapping(template, 'EventSource')).toMatchObject({ EventSourceArn: IMPORTED });
  expect(mapping(template, 'RetryQueue')).toMatchObject({
    EventSourceArn: { 'Fn::GetAtt': [expect.stringMatching(/^Mine/), 'Arn'] },
  });
  template.resourceCountIs('AWS::SQS::Queue', 3);
});

test('the function learns how often each queue delivers a message', () => {
  const counts = (eventSource: (stack: Stack) => EventSource) => {
    const stack = newStack();
    const { clientConfiguration } = newWorkflow(stack, { eventSource: eventSource(stack) });
    const text: unknown[] = stack.resolve(clientConfiguration)['Fn::Join'][1];
    return /"eventSource":\{[^}]*?"maxReceiveCount":(\d+)/.exec(text.map(String).join(''))?.[1];
  };
  expect(counts(() => EventSource.sqs())).toBe('1000');
  expect(counts(() => EventSource.sqs({ maxReceiveCount: 5 }))).toBe('5');
  expect(counts((stack) => EventSource.sqs({ queue: existingQueue(stack, 'Q') }))).toBe('10');
  const imported = (stack: Stack) => sqs.Queue.fromQueueArn(stack, 'Q', IMPORTED);
  expect(counts((stack) => EventSource.sqs({ queue: imported(stack) }))).toBeUndefined();
  expect(counts((stack) => EventSource.sqs({ queue: imported(stack), maxReceiveCount: 4 }))).toBe('4');
});

test('an existing FIFO queue is detected by its name', () => {
  const stack = newStack();
  const workflow = newWorkflow(stack, {
    eventSource: EventSource.sqs({ queue: sqs.Queue.fromQueueArn(stack, 'Queue', `${IMPORTED}.fifo`) }),
  });
  expect(stack.resolve(workflow.clientConfiguration)['Fn::Join'][1].join('')).toContain('"fifo":true');
});

test('the workflow exposes its queues', () => {
  const workflow = newWorkflow(newStack(), {
    failoverEventSource: EventSource.sqs(),
    failoverRetryQueue: RetryQueue.sqs(),
  });
  const brokers = [
    workflow.eventSource,
    workflow.failoverEventSource,
    workflow.retryQueue,
    workflow.failoverRetryQueue,
  ];
  expect(new Set(brokers.map((broker) => broker?.queue?.node.path)).size).toBe(4);
});

function expectLogicalId(template: ReturnType<typeof synthesize>, prefix: string): string {
  const ids = Object.keys(template.toJSON().Resources).filter((id) => id.startsWith(prefix) && !id.includes('Policy'));
  expect(ids).toHaveLength(1);
  return ids[0]!;
}
