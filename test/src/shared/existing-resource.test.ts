import {
  App,
  Aws,
  Duration,
  Stack,
  aws_dynamodb as dynamodb,
  aws_kinesis as kinesis,
  aws_sqs as sqs,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { existingQueue, newStack, newWorkflow, OUTPUT, refusal, synthesize } from '../../support/constructs';
import { CheckpointTable, EventSource, LockTable, RetryQueue, type FsmWorkflowProps } from 'cdk-lambda-fsm';

const { AttributeType, StreamViewType } = dynamodb;
const ELSEWHERE = 'arn:aws:sqs:us-east-1:123456789012:theirs';
const OTHER_TABLE = 'arn:aws:dynamodb:us-east-1:210987654321:table/theirs';
const EXECUTION = { name: 'executionId', type: AttributeType.STRING };
const ENTRY = { name: 'entry', type: AttributeType.STRING };

const queue = (stack: Stack) => sqs.Queue.fromQueueArn(stack, 'Queue', ELSEWHERE);
const imported = (stack: Stack) => dynamodb.Table.fromTableArn(stack, 'Table', OTHER_TABLE);
const table = (
  stack: Stack,
  props: Omit<dynamodb.TableProps, 'timeToLiveAttribute'>,
  timeToLiveAttribute: string | undefined = 'ttl',
) => new dynamodb.Table(stack, 'Table', { ...props, timeToLiveAttribute });
const checkpoints = (stack: Stack, stream: dynamodb.StreamViewType) =>
  CheckpointTable.fromTable(table(stack, { partitionKey: EXECUTION, sortKey: ENTRY, stream }));
test.each<[string, (stack: Stack) => Partial<FsmWorkflowProps>, RegExp]>([
  // Account and Region
  [
    'a queue in another Region',
    (stack) => ({ eventSource: EventSource.sqs({ queue: queue(stack) }) }),
    /eventSource: The existing queue is in Region us-east-1, but the workflow is in Region eu-west-1\. Use a queue in the workflow's Region\./,
  ],
  [
    'a retry queue in another Region',
    (stack) => ({ retryQueue: RetryQueue.sqs({ queue: queue(stack) }) }),
    /retryQueue: The existing queue is in Region us-east-1/,
  ],
  [
    'a dead-letter queue in another Region',
    (stack) => ({ deadLetterQueue: queue(stack) }),
    /deadLetterQueue: The existing queue is in Region us-east-1/,
  ],
  [
    'a lock table in another account',
    (stack) => ({ lockTable: LockTable.fromTable(imported(stack)) }),
    /lockTable: The existing table is in account 210987654321(.|\n)*lockTable: The existing table is in Region us-east-1/,
  ],
  [
    'a checkpoint table in another account',
    (stack) => ({ checkpointTable: CheckpointTable.fromTable(imported(stack)) }),
    /checkpointTable: The existing table is in account 210987654321/,
  ],
  [
    'a retry table in another account',
    (stack) => ({ retryQueue: RetryQueue.dynamoDb({ table: imported(stack) }) }),
    /retryQueue: The existing table is in account 210987654321/,
  ],
  // Definition
  [
    'a lock table with another key',
    (stack) => ({
      lockTable: LockTable.fromTable(table(stack, { partitionKey: { name: 'id', type: AttributeType.STRING } })),
    }),
    /lockTable: The existing table "Stack\/Table" has the key HASH id \(S\); expected HASH executionId \(S\)\. .*create another table\./,
  ],
  [
    'a lock table with a sort key',
    (stack) => ({ lockTable: LockTable.fromTable(table(stack, { partitionKey: EXECUTION, sortKey: ENTRY })) }),
    /lockTable: .* has the key HASH executionId \(S\) and RANGE entry \(S\); expected HASH executionId \(S\)\./,
  ],
  [
    'a global table with another key',
    (stack) => ({
      lockTable: LockTable.fromTable(
        new dynamodb.TableV2(stack, 'Table', { partitionKey: ENTRY, timeToLiveAttribute: 'ttl' }),
      ),
    }),
    /lockTable: .* has the key HASH entry \(S\); expected HASH executionId \(S\)/,
  ],
  [
    'a checkpoint table without a sort key',
    (stack) => ({ checkpointTable: CheckpointTable.fromTable(table(stack, { partitionKey: EXECUTION })) }),
    /checkpointTable: .* has the key HASH executionId \(S\); expected HASH executionId \(S\) and RANGE entry \(S\)\./,
  ],
  [
    'a retry table with a key of another type',
    (stack) => ({
      retryQueue: RetryQueue.dynamoDb({
        table: new dynamodb.Table(stack, 'Table', { partitionKey: { name: 'shard', type: AttributeType.STRING } }),
      }),
    }),
    /retryQueue: .* has the key HASH shard \(S\); expected HASH shard \(N\) and RANGE due \(S\)\./,
  ],
  [
    'a lock table without time to live',
    (stack) => ({ lockTable: LockTable.fromTable(new dynamodb.Table(stack, 'Table', { partitionKey: EXECUTION })) }),
    /lockTable: .* has no time to live; expected "ttl", because items of completed executions would never expire\. Set its timeToLiveAttribute\./,
  ],
  [
    'a retry table with time to live',
    (stack) => ({
      retryQueue: RetryQueue.dynamoDb({
        table: table(stack, {
          partitionKey: { name: 'shard', type: AttributeType.NUMBER },
          sortKey: { name: 'due', type: AttributeType.STRING },
        }),
      }),
    }),
    /retryQueue: .* has the time to live "ttl"; expected none, because waiting retries would expire\. Remove its timeToLiveAttribute\./,
  ],
  [
    'a stream of keys as the event source',
    (stack) => ({ eventSource: EventSource.dynamoDb(), checkpointTable: checkpoints(stack, StreamViewType.KEYS_ONLY) }),
    /eventSource: The stream of the existing checkpointTable "Stack\/Table" has the view type KEYS_ONLY, which omits the new items.*StreamViewType\.NEW_IMAGE/,
  ],
  [
    'a stream of old images as the failover event source',
    (stack) => ({
      failoverEventSource: EventSource.dynamoDb(),
      checkpointTable: checkpoints(stack, StreamViewType.OLD_IMAGE),
    }),
    /failoverEventSource: .* has the view type OLD_IMAGE/,
  ],
  [
    'a queue with a retention of a minute',
    (stack) => ({
      eventSource: EventSource.sqs({ queue: new sqs.Queue(stack, 'Q', { retentionPeriod: Duration.minutes(1) }) }),
    }),
    /eventSource: The existing queue retains messages for only 1 minute.*retentionPeriod to at least 1 day/,
  ],
  [
    'a dead-letter queue with a retention of an hour',
    (stack) => ({ deadLetterQueue: new sqs.Queue(stack, 'Q', { retentionPeriod: Duration.hours(1) }) }),
    /deadLetterQueue: The existing queue retains messages for only 1 hour/,
  ],
  [
    'a stream with a retention below the record age',
    (stack) => ({
      eventSource: EventSource.kinesis({ stream: new kinesis.Stream(stack, 'S'), maxRecordAge: Duration.days(5) }),
    }),
    /eventSource: Invalid maxRecordAge 5 days: the stream keeps records for only 1 day\. Increase the stream's retentionPeriod/,
  ],
  // Conflicting use
  [
    'the lock table as the retry table',
    (stack) => {
      const one = table(stack, { partitionKey: EXECUTION });
      return { lockTable: LockTable.fromTable(one), retryQueue: RetryQueue.dynamoDb({ table: one }) };
    },
    /retryQueue and lockTable are the same table, but require different keys\. Use two tables\./,
  ],
])('rejects %s', (_, props, expected) => {
  expect(refusal(props)).toMatch(expected);
});

test('accepts compatible existing resources', () => {
  synthesize((stack) => ({
    eventSource: EventSource.dynamoDb(),
    checkpointTable: checkpoints(stack, StreamViewType.NEW_AND_OLD_IMAGES),
    lockTable: LockTable.fromTable(
      new dynamodb.TableV2(stack, 'Locks', { partitionKey: EXECUTION, timeToLiveAttribute: 'ttl' }),
    ),
    retryQueue: RetryQueue.sqs({
      queue: existingQueue(stack, 'Q', { retentionPeriod: Duration.days(1) }),
    }),
    failoverEventSource: EventSource.kinesis({ stream: new kinesis.Stream(stack, 'S') }),
  }));
});

test('rejects a queue that another workflow receives from', () => {
  const stack = newStack();
  const one = existingQueue(stack, 'Q');
  newWorkflow(stack, { retryQueue: RetryQueue.sqs({ queue: one }) });
  expect(() => newWorkflow(new Construct(stack, 'More'), { eventSource: EventSource.sqs({ queue: one }) })).toThrow(
    'eventSource: workflow "Stack/Orders" already receives from this resource, and would receive envelopes of machines that it does not have. Use one resource per workflow.',
  );
});

test('accepts queues with the same name in the Regions of two stacks', () => {
  const app = new App({ outdir: OUTPUT });
  for (const id of ['Dublin', 'Ohio']) {
    const stack = new Stack(app, id);
    const named = sqs.Queue.fromQueueArn(stack, 'Q', `arn:aws:sqs:${Aws.REGION}:${Aws.ACCOUNT_ID}:orders`);
    newWorkflow(stack, { eventSource: EventSource.sqs({ queue: named }) });
  }
});
