import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import {
  aws_ec2 as ec2, aws_iam as iam, aws_kinesis as kinesis, aws_kms as kms, aws_sns as sns, aws_sqs as sqs, type Stack,
} from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { newStack, newWorkflow, permissions, synthesize } from './support';
import { EventSource, RetryQueue, type FsmWorkflow, type FsmWorkflowProps } from 'cdk-lambda-fsm';

const RECEIVE = ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'];
const STREAM = ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'];
const LOCKS = ['dynamodb:GetItem', 'dynamodb:UpdateItem'];
const ACQUIRE_LOCKS = ['dynamodb:GetItem', 'dynamodb:PartiQLInsert', 'dynamodb:PartiQLUpdate', 'dynamodb:UpdateItem'];
const CHECKPOINTS = ['dynamodb:BatchWriteItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:UpdateItem'];
const RETRIES = ['dynamodb:BatchWriteItem', 'dynamodb:DeleteItem', 'dynamodb:Query'];
const READ = ['DescribeStream', 'DescribeStreamSummary', 'GetRecords', 'GetShardIterator', 'ListShards'].map((name) => `kinesis:${name}`);
const LOGS = ['logs:CreateLogStream', 'logs:PutLogEvents'];

/** What the function may do. */
function functionMay(props: (stack: Stack) => Partial<FsmWorkflowProps> = () => ({})): Record<string, string[]> {
  return permissions(synthesize(props), 'OrdersRoleDefaultPolicy');
}

/** What someone may do after a grant. */
function granteeMay(
  grant: (workflow: FsmWorkflow, user: iam.IGrantable) => void, props: Partial<FsmWorkflowProps> = {},
): Record<string, string[]> {
  const stack = newStack();
  grant(newWorkflow(stack, props), new iam.User(stack, 'User'));
  return permissions(Template.fromStack(stack), 'UserDefaultPolicy');
}

describe('the function', () => {
  test('with queues', () => {
    expect(functionMay()).toEqual({
      'OrdersLogs.Arn': LOGS,
      'OrdersEventSourceQueue.Arn': [...RECEIVE, 'sqs:SendMessage'],
      'OrdersRetryQueue.Arn': [...RECEIVE, 'sqs:SendMessage'],
      'OrdersDeadLetterQueue.Arn': ['sqs:SendMessage'],
      'OrdersLockTable.Arn': ACQUIRE_LOCKS,
      'OrdersCheckpointTable.Arn': CHECKPOINTS,
    });
  });

  test('with DynamoDB alone', () => {
    expect(functionMay(() => ({ eventSource: EventSource.dynamoDb(), retryQueue: RetryQueue.dynamoDb() }))).toEqual({
      'OrdersLogs.Arn': LOGS,
      'OrdersCheckpointTable.StreamArn': STREAM,
      'OrdersRetryQueueTable.Arn': RETRIES,
      'OrdersDeadLetterQueue.Arn': ['sqs:SendMessage'],
      'OrdersLockTable.Arn': ACQUIRE_LOCKS,
      'OrdersCheckpointTable.Arn': CHECKPOINTS,
    });
  });

  test('with a data stream and a topic', () => {
    expect(functionMay(() => ({ eventSource: EventSource.kinesis(), failoverEventSource: EventSource.sns() }))).toEqual({
      'OrdersLogs.Arn': LOGS,
      'OrdersEventSourceStream.Arn': [...READ, 'kinesis:PutRecords'],
      'OrdersFailoverEventSourceTopic': ['sns:Publish'],
      'OrdersRetryQueue.Arn': [...RECEIVE, 'sqs:SendMessage'],
      'OrdersDeadLetterQueue.Arn': ['sqs:SendMessage'],
      'OrdersLockTable.Arn': ACQUIRE_LOCKS,
      'OrdersCheckpointTable.Arn': CHECKPOINTS,
    });
  });

  test('with a data stream that pushes its records', () => {
    expect(functionMay(() => ({ eventSource: EventSource.kinesis({ enhancedFanOut: true }) }))).toMatchObject({
      'OrdersEventSourceStream.Arn': ['kinesis:DescribeStream', 'kinesis:DescribeStreamSummary', 'kinesis:ListShards', 'kinesis:PutRecords'],
      'OrdersEventSourceConsumer.ConsumerARN': ['kinesis:DescribeStreamConsumer', 'kinesis:SubscribeToShard'],
    });
  });

  test('with the keys of a stream and a topic that it is given', () => {
    const key = (stack: Stack, name: string) => kms.Key.fromKeyArn(stack, name, `arn:aws:kms:eu-west-1:123456789012:key/${name}`);
    expect(functionMay((stack) => ({
      eventSource: EventSource.kinesis({
        stream: kinesis.Stream.fromStreamAttributes(stack, 'Stream', {
          streamArn: 'arn:aws:kinesis:eu-west-1:123456789012:stream/theirs', encryptionKey: key(stack, 'stream'),
        }),
      }),
      failoverEventSource: EventSource.sns({ topic: new sns.Topic(stack, 'Theirs', { masterKey: key(stack, 'topic') }) }),
    }))).toMatchObject({
      'arn:aws:kinesis:eu-west-1:123456789012:stream/theirs': [...READ, 'kinesis:PutRecords'],
      'arn:aws:kms:eu-west-1:123456789012:key/stream': ['kms:Decrypt', 'kms:GenerateDataKey'],
      'Theirs': ['sns:Publish'],
      'arn:aws:kms:eu-west-1:123456789012:key/topic': ['kms:Decrypt', 'kms:GenerateDataKey'],
    });
  });

  test('with a key of one\'s own, which it may use for these resources', () => {
    const { 'Key.Arn': key, ...others } = functionMay((stack) => ({ encryptionKey: new kms.Key(stack, 'Key') }));
    expect(key).toEqual(['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey', 'kms:ReEncryptFrom', 'kms:ReEncryptTo']);
    expect(others).toEqual(functionMay());
  });

  test('with the key of a queue that it is given', () => {
    expect(functionMay((stack) => ({
      eventSource: EventSource.sqs({
        queue: sqs.Queue.fromQueueAttributes(stack, 'Queue', {
          queueArn: 'arn:aws:sqs:eu-west-1:123456789012:theirs', keyArn: 'arn:aws:kms:eu-west-1:123456789012:key/theirs',
        }),
      }),
    }))).toMatchObject({
      'arn:aws:sqs:eu-west-1:123456789012:theirs': [...RECEIVE, 'sqs:SendMessage'],
      'arn:aws:kms:eu-west-1:123456789012:key/theirs': ['kms:Decrypt', 'kms:GenerateDataKey'],
    });
  });

  test('in a network, in which Lambda connects it', () => {
    expect(functionMay((stack) => ({ vpc: new ec2.Vpc(stack, 'Network') }))['*']).toEqual([
      'ec2:AssignPrivateIpAddresses', 'ec2:CreateNetworkInterface', 'ec2:DeleteNetworkInterface', 'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets', 'ec2:UnassignPrivateIpAddresses',
    ]);
  });

  test('has no managed policy, which would let it write into all logs', () => {
    for (const { Properties } of Object.values(synthesize().findResources('AWS::IAM::Role'))) {
      expect(Properties.ManagedPolicyArns).toBeUndefined();
    }
  });
});

describe('grants', () => {
  const SEND = { 'OrdersEventSourceQueue.Arn': ['sqs:SendMessage'] };

  test('grantStart', () => {
    expect(granteeMay((workflow, user) => workflow.grantStart(user))).toEqual(SEND);
  });

  test('grantStart with a failover', () => {
    expect(granteeMay((workflow, user) => workflow.grantStart(user), { failoverEventSource: EventSource.dynamoDb() })).toEqual({
      ...SEND,
      'OrdersCheckpointTable.Arn': ['dynamodb:BatchWriteItem'],
    });
  });

  test('grantStart with a data stream and a topic, which it may not read', () => {
    const props = { eventSource: EventSource.kinesis(), failoverEventSource: EventSource.sns() };
    expect(granteeMay((workflow, user) => workflow.grantStart(user), props)).toEqual({
      'OrdersEventSourceStream.Arn': ['kinesis:PutRecords'],
      'OrdersFailoverEventSourceTopic': ['sns:Publish'],
    });
  });

  test('grantSend', () => {
    expect(granteeMay((workflow, user) => workflow.grantSend(user))).toEqual({
      ...SEND,
      'OrdersLockTable.Arn': ['dynamodb:GetItem'],
      'OrdersCheckpointTable.Arn': ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:UpdateItem'],
    });
  });

  test('grantDescribe', () => {
    expect(granteeMay((workflow, user) => workflow.grantDescribe(user))).toEqual({
      'OrdersLockTable.Arn': ['dynamodb:GetItem'],
      'OrdersCheckpointTable.Arn': ['dynamodb:Query'],
    });
  });

  test('grantResume, with the right to read the stream back that carries the envelopes', () => {
    const checkpoints = ['dynamodb:GetItem', 'dynamodb:Query'];
    expect(granteeMay((workflow, user) => workflow.grantResume(user))).toEqual({
      ...SEND, 'OrdersLockTable.Arn': ['dynamodb:GetItem'], 'OrdersCheckpointTable.Arn': checkpoints,
    });
    expect(granteeMay((workflow, user) => workflow.grantResume(user), { eventSource: EventSource.kinesis() })).toEqual({
      'OrdersEventSourceStream.Arn': ['kinesis:GetRecords', 'kinesis:GetShardIterator', 'kinesis:PutRecords'],
      'OrdersLockTable.Arn': ['dynamodb:GetItem'],
      'OrdersCheckpointTable.Arn': checkpoints,
    });
  });

  test('grantCancel', () => {
    expect(granteeMay((workflow, user) => workflow.grantCancel(user))).toEqual({
      'OrdersLockTable.Arn': ['dynamodb:UpdateItem'],
      'OrdersCheckpointTable.Arn': ['dynamodb:BatchWriteItem', 'dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:UpdateItem'],
    });
  });

  test('grantRedrive', () => {
    expect(granteeMay((workflow, user) => workflow.grantRedrive(user))).toEqual({
      ...SEND,
      'OrdersLockTable.Arn': LOCKS,
      'OrdersCheckpointTable.Arn': ['dynamodb:Query', 'dynamodb:UpdateItem'],
    });
  });

  test('the workflow can be granted what its actions need', () => {
    const stack = newStack();
    const topic = new sqs.Queue(stack, 'Theirs');
    topic.grantPurge(newWorkflow(stack));
    expect(permissions(Template.fromStack(stack), 'OrdersRoleDefaultPolicy')['Theirs.Arn']).toContain('sqs:PurgeQueue');
  });
});

describe('the calls of the adapters are those that are allowed', () => {
  /** The operations of the AWS clients that these files call. */
  function operations(...files: string[]): string[] {
    const texts = files.map((file) => readFileSync(path.join(__dirname, '../../lambda/aws', file), 'utf8'));
    return [...new Set(texts.flatMap((text) => [...text.matchAll(/new (\w+)Command\(/g)].map(([, operation]) => operation!)))].sort();
  }

  const named = (actions: readonly string[]) => actions.map((action) => action.split(':')[1]);

  test('of the lock table: a batch of statements needs the action of each', () => {
    expect(operations('dynamodb/lock-table.ts')).toEqual(named(LOCKS));
    expect(operations('dynamodb/joint-acquisition.ts')).toEqual(['BatchExecuteStatement']);
  });

  test('of the retry table', () => {
    expect(operations('dynamodb/retry-table.ts', 'dynamodb/write-batch.ts')).toEqual(named(RETRIES));
  });

  test('of the checkpoint table, into whose mailboxes one puts by PutItem and UpdateItem, in a transaction', () => {
    const files = ['checkpoint-table', 'expire-item', 'mailbox-table', 'query-all', 'stream-event-source', 'write-batch'].map((name) => `dynamodb/${name}.ts`);
    expect([...operations(...files), 'PutItem'].sort()).toEqual([...named(CHECKPOINTS), 'TransactWriteItems'].sort());
  });

  test('of the queues: one action allows both', () => {
    const files = ['dead-letter-queue', 'event-source', 'retry-queue', 'send-batch'].map((name) => `sqs/${name}.ts`);
    expect(operations(...files)).toEqual(['SendMessage', 'SendMessageBatch']);
  });

  test('of the data streams and topics: one action of SNS allows both', () => {
    expect(named([...READ, 'kinesis:PutRecords'])).toEqual(expect.arrayContaining(operations('kinesis/stream.ts')));
    expect(operations('sns/topic.ts')).toEqual(['PublishBatch']);
  });
});

test.each(['sqs', 'sns'] as const)('an identity of another account may start executions through %s by the policy of the resource', (service) => {
  const stack = newStack();
  const workflow = newWorkflow(stack, { eventSource: EventSource[service]() });
  workflow.grantStart(iam.Role.fromRoleArn(stack, 'Foreign', 'arn:aws:iam::210987654321:role/shop'));
  const policies = Template.fromStack(stack).findResources(service === 'sqs' ? 'AWS::SQS::QueuePolicy' : 'AWS::SNS::TopicPolicy');
  const allowed = Object.values(policies).flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
    .filter(({ Effect, Principal }) => Effect === 'Allow' && JSON.stringify(Principal).includes('210987654321'));
  expect(allowed).toMatchObject([{ Action: service === 'sqs' ? 'sqs:SendMessage' : 'sns:Publish', Principal: { AWS: 'arn:aws:iam::210987654321:role/shop' } }]);
});
