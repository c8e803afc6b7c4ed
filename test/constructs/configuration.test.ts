import { Duration } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import { Tracing } from 'aws-cdk-lib/aws-lambda';
import { ORDER, synthesize, withoutHash } from './support';
import { parseConfiguration } from '../../lambda/aws/parse-configuration';
import { CheckpointTable, EventSource, LockTable, MachineDefinition, MetricDelivery, RetryQueue } from 'cdk-lambda-fsm';

/** The configuration that the function finds in its environment, with logical ids for the names and URLs that AWS gives. */
function configuration(template: Template): unknown {
  const [fn] = Object.values(template.findResources('AWS::Lambda::Function'));
  const { 'Fn::Join': [separator, parts] } = fn!.Properties.Environment.Variables.FSM_WORKFLOW;
  const text = parts.map((part: string | { Ref: string }) => typeof part === 'string' ? part : `https://aws/${withoutHash(part.Ref)}`).join(separator);
  return parseConfiguration(text);
}

test('the runtime understands what the construct tells it', () => {
  expect(configuration(synthesize())).toEqual({
    workflow: 'Stack-Orders-EEDB7941',
    machines: ['order'],
    eventSource: { service: 'sqs', queueUrl: 'https://aws/OrdersEventSourceQueue' },
    retryQueues: [{ service: 'sqs', queueUrl: 'https://aws/OrdersRetryQueue' }],
    lockTable: { service: 'dynamodb', tableName: 'https://aws/OrdersLockTable', retentionDays: 30 },
    checkpointTable: { service: 'dynamodb', tableName: 'https://aws/OrdersCheckpointTable', retentionDays: 30 },
    deadLetterQueue: { service: 'sqs', queueUrl: 'https://aws/OrdersDeadLetterQueue' },
  });
});

test('streams and topics reach the runtime', () => {
  const template = synthesize(() => ({
    eventSource: EventSource.kinesis(),
    failoverEventSource: EventSource.sns(),
    retryQueue: RetryQueue.sns({ ignoreBackoff: true }),
    failoverRetryQueue: RetryQueue.kinesis({ ignoreBackoff: true }),
  }));
  expect(configuration(template)).toMatchObject({
    eventSource: { service: 'kinesis', streamName: 'https://aws/OrdersEventSourceStream' },
    failoverEventSource: { service: 'sns', topicArn: 'https://aws/OrdersFailoverEventSourceTopic' },
    retryQueues: [
      { service: 'sns', topicArn: 'https://aws/OrdersRetryQueueTopic' },
      { service: 'kinesis', streamName: 'https://aws/OrdersFailoverRetryQueueStream' },
    ],
  });
});

test('failovers, FIFO queues, DynamoDB, retention and options reach the runtime', () => {
  const template = synthesize((stack) => ({
    workflowName: 'orders',
    machines: [MachineDefinition.fromObject(ORDER), MachineDefinition.fromObject({ ...ORDER, name: 'refund' })],
    eventSource: EventSource.sqs({ fifo: true }),
    failoverEventSource: EventSource.dynamoDb(),
    retryQueue: RetryQueue.dynamoDb({ shards: 7 }),
    failoverRetryQueue: RetryQueue.sqs(),
    lockTable: new LockTable(stack, 'Locks', { retention: Duration.days(90) }),
    checkpointTable: new CheckpointTable(stack, 'Journal', { retention: Duration.days(20) }),
    eagerCommit: true,
    metricDelivery: MetricDelivery.PUT_METRIC_DATA,
    tracing: Tracing.ACTIVE,
  }));
  expect(configuration(template)).toEqual({
    workflow: 'orders',
    machines: ['order', 'refund'],
    eventSource: { service: 'sqs', queueUrl: 'https://aws/OrdersEventSourceQueue', fifo: true },
    failoverEventSource: { service: 'dynamodb' },
    retryQueues: [
      { service: 'dynamodb', tableName: 'https://aws/OrdersRetryQueueTable', shards: 7 },
      { service: 'sqs', queueUrl: 'https://aws/OrdersFailoverRetryQueue' },
    ],
    lockTable: { service: 'dynamodb', tableName: 'https://aws/LocksTable', retentionDays: 90 },
    checkpointTable: { service: 'dynamodb', tableName: 'https://aws/JournalTable', retentionDays: 20 },
    deadLetterQueue: { service: 'sqs', queueUrl: 'https://aws/OrdersDeadLetterQueue' },
    eagerCommit: true,
    putMetrics: true,
    tracing: true,
  });
});
