import {
  App, Aws, Duration, Stack, aws_dynamodb as dynamodb, aws_ec2 as ec2, aws_kinesis as kinesis, aws_sqs as sqs,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { newStack, newWorkflow, OUTPUT, refusal, synthesize } from './support';
import { CheckpointTable, EventSource, LockCache, LockTable, RetryQueue, type FsmWorkflowProps } from 'cdk-lambda-fsm';

const { AttributeType, StreamViewType } = dynamodb;
const ELSEWHERE = 'arn:aws:sqs:us-east-1:123456789012:theirs';
const OTHER_TABLE = 'arn:aws:dynamodb:us-east-1:210987654321:table/theirs';
const EXECUTION = { name: 'executionId', type: AttributeType.STRING };
const ENTRY = { name: 'entry', type: AttributeType.STRING };

const queue = (stack: Stack) => sqs.Queue.fromQueueArn(stack, 'Queue', ELSEWHERE);
const imported = (stack: Stack) => dynamodb.Table.fromTableArn(stack, 'Table', OTHER_TABLE);
const table = (stack: Stack, props: Omit<dynamodb.TableProps, 'timeToLiveAttribute'>, timeToLiveAttribute: string | undefined = 'ttl') => (
  new dynamodb.Table(stack, 'Table', { ...props, timeToLiveAttribute })
);
const checkpoints = (stack: Stack, stream: dynamodb.StreamViewType) => (
  CheckpointTable.fromTable(table(stack, { partitionKey: EXECUTION, sortKey: ENTRY, stream }))
);
const cacheAndTable = (stack: Stack): Partial<FsmWorkflowProps> => {
  const vpc = new ec2.Vpc(stack, 'Network', { maxAzs: 2 });
  return {
    vpc,
    lockCache: new LockCache(stack, 'Cache', { vpc, retention: Duration.days(60) }),
    failoverLockTable: new LockTable(stack, 'Second', { retention: Duration.days(30) }),
  };
};

test.each<[string, (stack: Stack) => Partial<FsmWorkflowProps>, RegExp]>([
  // Where they are
  ['a queue of another Region', (stack) => ({ eventSource: EventSource.sqs({ queue: queue(stack) }) }), /eventSource: the given queue is in the region us-east-1, but the workflow in eu-west-1\. Give a queue in the workflow's Region\./],
  ['a retry queue of another Region', (stack) => ({ retryQueue: RetryQueue.sqs({ queue: queue(stack) }) }), /retryQueue: the given queue is in the region us-east-1/],
  ['a dead-letter queue of another Region', (stack) => ({ deadLetterQueue: queue(stack) }), /deadLetterQueue: the given queue is in the region us-east-1/],
  ['a lock table of another account', (stack) => ({ lockTable: LockTable.fromTable(imported(stack)) }), /lockTable: the given table is in the account 210987654321(.|\n)*lockTable: the given table is in the region us-east-1/],
  ['a checkpoint table of another account', (stack) => ({ checkpointTable: CheckpointTable.fromTable(imported(stack)) }), /checkpointTable: the given table is in the account 210987654321/],
  ['a retry table of another account', (stack) => ({ retryQueue: RetryQueue.dynamoDb({ table: imported(stack) }) }), /retryQueue: the given table is in the account 210987654321/],
  // What they are like
  ['a lock table with another key', (stack) => ({ lockTable: LockTable.fromTable(table(stack, { partitionKey: { name: 'id', type: AttributeType.STRING } })) }), /lockTable: the given table "Stack\/Table" has the key HASH id \(S\); expected HASH executionId \(S\)\. Make another table\./],
  ['a lock table with a sort key', (stack) => ({ lockTable: LockTable.fromTable(table(stack, { partitionKey: EXECUTION, sortKey: ENTRY })) }), /lockTable: .* has the key HASH executionId \(S\) and RANGE entry \(S\); expected HASH executionId \(S\)\./],
  ['a global table with another key', (stack) => ({ lockTable: LockTable.fromTable(new dynamodb.TableV2(stack, 'Table', { partitionKey: ENTRY, timeToLiveAttribute: 'ttl' })) }), /lockTable: .* has the key HASH entry \(S\); expected HASH executionId \(S\)/],
  ['a checkpoint table without a sort key', (stack) => ({ checkpointTable: CheckpointTable.fromTable(table(stack, { partitionKey: EXECUTION })) }), /checkpointTable: .* has the key HASH executionId \(S\); expected HASH executionId \(S\) and RANGE entry \(S\)\./],
  ['a retry table of texts', (stack) => ({ retryQueue: RetryQueue.dynamoDb({ table: new dynamodb.Table(stack, 'Table', { partitionKey: { name: 'shard', type: AttributeType.STRING } }) }) }), /retryQueue: .* has the key HASH shard \(S\); expected HASH shard \(N\) and RANGE due \(S\)\./],
  ['a lock table that forgets nothing', (stack) => ({ lockTable: LockTable.fromTable(new dynamodb.Table(stack, 'Table', { partitionKey: EXECUTION })) }), /lockTable: .* has no time to live; expected "ttl", or nothing would ever be forgotten\. Change its timeToLiveAttribute\./],
  ['a retry table that forgets', (stack) => ({ retryQueue: RetryQueue.dynamoDb({ table: table(stack, { partitionKey: { name: 'shard', type: AttributeType.NUMBER }, sortKey: { name: 'due', type: AttributeType.STRING } }) }) }), /retryQueue: .* has the time to live "ttl"; expected none, or what waits in it would be lost/],
  ['a stream of keys as event source', (stack) => ({ eventSource: EventSource.dynamoDb(), checkpointTable: checkpoints(stack, StreamViewType.KEYS_ONLY) }), /eventSource: the stream of the given checkpoint table "Stack\/Table" has the view KEYS_ONLY, so it does not carry what is written.*StreamViewType\.NEW_IMAGE/],
  ['a stream of old images as failover', (stack) => ({ failoverEventSource: EventSource.dynamoDb(), checkpointTable: checkpoints(stack, StreamViewType.OLD_IMAGE) }), /failoverEventSource: .* has the view OLD_IMAGE/],
  ['a queue that forgets within a minute', (stack) => ({ eventSource: EventSource.sqs({ queue: new sqs.Queue(stack, 'Q', { retentionPeriod: Duration.minutes(1) }) }) }), /eventSource: the given queue forgets a message after 1 minute.*retentionPeriod to 1 day at least/],
  ['a dead-letter queue that forgets within an hour', (stack) => ({ deadLetterQueue: new sqs.Queue(stack, 'Q', { retentionPeriod: Duration.hours(1) }) }), /deadLetterQueue: the given queue forgets a message after 1 hour/],
  ['a given stream that forgets before records are given up', (stack) => ({ eventSource: EventSource.kinesis({ stream: new kinesis.Stream(stack, 'S'), maxRecordAge: Duration.days(5) }) }), /eventSource: maxRecordAge is 5 days, but the stream keeps a record for 1 day only\. Raise its retentionPeriod/],
  ['a second lock store that forgets sooner', cacheAndTable, /failoverLockTable forgets an ended execution after 30 days, but lockCache after 60 days.*Give both the same retention/],
  // What else they are used for
  ['the lock table as a retry table', (stack) => {
    const one = table(stack, { partitionKey: EXECUTION });
    return { lockTable: LockTable.fromTable(one), retryQueue: RetryQueue.dynamoDb({ table: one }) };
  }, /retryQueue and lockTable are one table, but have different keys\. Give two tables\./],
])('%s is refused', (_, props, expected) => {
  expect(refusal(props)).toMatch(expected);
});

test('what can serve is taken', () => {
  synthesize((stack) => ({
    eventSource: EventSource.dynamoDb(),
    checkpointTable: checkpoints(stack, StreamViewType.NEW_AND_OLD_IMAGES),
    lockTable: LockTable.fromTable(new dynamodb.TableV2(stack, 'Locks', { partitionKey: EXECUTION, timeToLiveAttribute: 'ttl' })),
    retryQueue: RetryQueue.sqs({ queue: new sqs.Queue(stack, 'Q', { visibilityTimeout: Duration.minutes(3), retentionPeriod: Duration.days(1) }) }),
    failoverEventSource: EventSource.kinesis({ stream: new kinesis.Stream(stack, 'S') }),
  }));
});

test('two workflows do not receive from one queue', () => {
  const stack = newStack();
  const one = new sqs.Queue(stack, 'Q', { visibilityTimeout: Duration.minutes(3) });
  newWorkflow(stack, { retryQueue: RetryQueue.sqs({ queue: one }) });
  expect(() => newWorkflow(new Construct(stack, 'More'), { eventSource: EventSource.sqs({ queue: one }) })).toThrow(
    'eventSource: the workflow "Stack/Orders" receives from it already, and neither knows the machines of the other. Give each its own.',
  );
});

test('queues of one name, each in the Region of its stack, are two', () => {
  const app = new App({ outdir: OUTPUT });
  for (const id of ['Dublin', 'Ohio']) {
    const stack = new Stack(app, id);
    const named = sqs.Queue.fromQueueArn(stack, 'Q', `arn:aws:sqs:${Aws.REGION}:${Aws.ACCOUNT_ID}:orders`);
    newWorkflow(stack, { eventSource: EventSource.sqs({ queue: named }) });
  }
});
