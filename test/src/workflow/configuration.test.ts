import { Duration } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import { Tracing } from 'aws-cdk-lib/aws-lambda';
import { parseConfiguration } from '../../../lambda/aws/parse-configuration';
import { ORDER, synthesize, withoutHash } from '../../support/constructs';
import { CheckpointTable, EventSource, LockTable, MachineDefinition, MetricDelivery, RetryQueue } from 'cdk-lambda-fsm';

/** The configuration in the environment of the function, with logical IDs in place of the names and URLs that AWS assigns. */
function configuration(template: Template): unknown {
  const [fn] = Object.values(template.findResources('AWS::Lambda::Function'));
  const {
    'Fn::Join': [separator, parts],
  } = fn!.Properties.Environment.Variables.FSM_WORKFLOW;
  const text = parts
    .map((part: string | { Ref: string }) => (typeof part === 'string' ? part : `https://aws/${withoutHash(part.Ref)}`))
    .join(separator);
  return parseConfiguration(text);
}

test('the runtime can read the configuration', () => {
  expect(configuration(synthesize())).toEqual({
    workflow: 'Stack-Orders-EEDB7941',
    eventSource: { service: 'sqs', queueUrl: 'https://aws/OrdersEventSourceSqsQueue', maxReceiveCount: 1000 },
    retryQueues: [{ service: 'sqs', queueUrl: 'https://aws/OrdersRetryQueueSqsQueue', maxReceiveCount: 1000 }],
    lockTable: { service: 'dynamodb', tableName: 'https://aws/OrdersLockTable', retentionDays: 30 },
    checkpointTable: { service: 'dynamodb', tableName: 'https://aws/OrdersCheckpointTable', retentionDays: 30 },
    deadLetterQueue: { service: 'sqs', queueUrl: 'https://aws/OrdersDeadLetterQueue' },
  });
});

test('contains streams and topics', () => {
  const template = synthesize(() => ({
    eventSource: EventSource.kinesis(),
    failoverEventSource: EventSource.sns(),
    retryQueue: RetryQueue.sns({ ignoreBackoff: true }),
    failoverRetryQueue: RetryQueue.kinesis({ ignoreBackoff: true }),
  }));
  expect(configuration(template)).toMatchObject({
    eventSource: { service: 'kinesis', streamName: 'https://aws/OrdersEventSourceKinesisStream' },
    failoverEventSource: { service: 'sns', topicArn: 'https://aws/OrdersEventSourceSnsTopic' },
    retryQueues: [
      { service: 'sns', topicArn: 'https://aws/OrdersRetryQueueSnsTopic' },
      { service: 'kinesis', streamName: 'https://aws/OrdersRetryQueueKinesisStream' },
    ],
  });
});

test('contains failovers, FIFO queues, tables, retention and options', () => {
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
    logErrorMessages: true,
    metricDelivery: MetricDelivery.PUT_METRIC_DATA,
    tracing: Tracing.ACTIVE,
  }));
  expect(configuration(template)).toEqual({
    workflow: 'orders',
    eventSource: {
      service: 'sqs',
      queueUrl: 'https://aws/OrdersEventSourceSqsFifoQueue',
      maxReceiveCount: 1000,
      fifo: true,
    },
    failoverEventSource: { service: 'dynamodb' },
    retryQueues: [
      { service: 'dynamodb', tableName: 'https://aws/OrdersRetryQueueDynamoDbTable', shards: 7 },
      { service: 'sqs', queueUrl: 'https://aws/OrdersRetryQueueSqsQueue', maxReceiveCount: 1000 },
    ],
    lockTable: { service: 'dynamodb', tableName: 'https://aws/LocksTable', retentionDays: 90 },
    checkpointTable: { service: 'dynamodb', tableName: 'https://aws/JournalTable', retentionDays: 20 },
    deadLetterQueue: { service: 'sqs', queueUrl: 'https://aws/OrdersDeadLetterQueue' },
    failedInvocations: { queueUrl: 'https://aws/OrdersFailedInvocations', maxReceiveCount: 10 },
    eagerCommit: true,
    logErrorMessages: true,
    putMetrics: true,
    tracing: true,
  });
});
