import { Stack, Duration, RemovalPolicy, aws_dynamodb as dynamodb, aws_kms as kms, aws_sqs as sqs } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { newStack, newWorkflow } from './support';
import { CheckpointTable, EventSource, LockTable, RetryQueue, type FsmWorkflowProps } from 'cdk-lambda-fsm';

const ACCOUNT = 'eu-west-1:123456789012';

const COMBINATIONS: Record<string, (stack: Stack) => Partial<FsmWorkflowProps>> = {
  'queues': () => ({}),
  'DynamoDB alone': () => ({ eventSource: EventSource.dynamoDb(), retryQueue: RetryQueue.dynamoDb() }),
  'a FIFO queue that DynamoDB takes over from': () => ({
    eventSource: EventSource.sqs({ fifo: true }),
    failoverEventSource: EventSource.dynamoDb(),
    retryQueue: RetryQueue.dynamoDb(),
    failoverRetryQueue: RetryQueue.sqs(),
    removalPolicy: RemovalPolicy.DESTROY,
    eagerCommit: true,
  }),
  'a key of one\'s own': (stack) => ({ encryptionKey: new kms.Key(stack, 'Key'), failoverEventSource: EventSource.dynamoDb() }),
  'everything given': (stack) => {
    const tableArn = (name: string) => `arn:aws:dynamodb:${ACCOUNT}:table/${name}`;
    const queue = (name: string) => sqs.Queue.fromQueueArn(stack, name, `arn:aws:sqs:${ACCOUNT}:${name}`);
    return {
      workflowName: 'orders',
      eventSource: EventSource.sqs({ queue: queue('events'), batchSize: 100, maxBatchingWindow: Duration.seconds(1) }),
      failoverEventSource: EventSource.dynamoDb({ retryAttempts: 50 }),
      retryQueue: RetryQueue.sqs({ queue: queue('retries') }),
      failoverRetryQueue: RetryQueue.dynamoDb({ table: dynamodb.Table.fromTableArn(stack, 'Retries', tableArn('retries')) }),
      lockTable: LockTable.fromTable(dynamodb.Table.fromTableArn(stack, 'Locks', tableArn('locks'))),
      checkpointTable: CheckpointTable.fromTable(dynamodb.Table.fromTableAttributes(stack, 'Checkpoints', {
        tableArn: tableArn('checkpoints'), tableStreamArn: `${tableArn('checkpoints')}/stream/1`,
      })),
      deadLetterQueue: queue('dead-letters'),
    };
  },
};

beforeEach(() => {
  process.env.CDK_VALIDATION = 'true';
});

test.each(Object.entries(COMBINATIONS))('%s', (_, props) => {
  const stack = newStack();
  // What does not fit CloudFormation's schemas fails the synth.
  stack.node.setContext('@aws-cdk/core:validateAgainstDefaultRules', true);
  newWorkflow(stack, props(stack));
  // The hash changes with the runtime.
  const template = JSON.stringify(Template.fromStack(stack).toJSON()).replace(/[0-9a-f]{64}\.zip/g, 'HASH.zip');
  expect(JSON.parse(template)).toMatchSnapshot();
});
