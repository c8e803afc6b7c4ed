import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import {
  aws_ec2 as ec2,
  aws_iam as iam,
  aws_kinesis as kinesis,
  aws_kms as kms,
  aws_sns as sns,
  aws_sqs as sqs,
  type Stack,
} from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { newStack, newWorkflow, permissions, synthesize } from '../../support/constructs';
import { EventSource, RetryQueue, type FsmWorkflow, type FsmWorkflowProps } from 'cdk-lambda-fsm';

const RECEIVE = ['sqs:ChangeMessageVisibility', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'];
const STREAM = ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'];
const LOCKS = ['dynamodb:GetItem', 'dynamodb:UpdateItem'];
const ACQUIRE_LOCKS = ['dynamodb:GetItem', 'dynamodb:PartiQLUpdate', 'dynamodb:UpdateItem'];
const CHECKPOINTS = [
  'dynamodb:BatchWriteItem',
  'dynamodb:DeleteItem',
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:Query',
  'dynamodb:UpdateItem',
];
const RETRIES = ['dynamodb:BatchWriteItem', 'dynamodb:PartiQLDelete', 'dynamodb:Query'];
const READ = ['DescribeStream', 'DescribeStreamSummary', 'GetRecords', 'GetShardIterator', 'ListShards'].map(
  (name) => `kinesis:${name}`,
);
const LOGS = ['logs:CreateLogStream', 'logs:PutLogEvents'];

/** The permissions of the function by resource. */
function functionPermissions(
  props: (stack: Stack) => Partial<FsmWorkflowProps> = () => ({}),
): Record<string, string[]> {
  return permissions(synthesize(props), 'OrdersRoleDefaultPolicy');
}

/** The permissions of a grantee by resource. */
function granteePermissions(
  grant: (workflow: FsmWorkflow, user: iam.IGrantable) => void,
  props: Partial<FsmWorkflowProps> = {},
): Record<string, string[]> {
  const stack = newStack();
  grant(newWorkflow(stack, props), new iam.User(stack, 'User'));
  return permissions(Template.fromStack(stack), 'UserDefaultPolicy');
}

describe('permissions of the function', () => {
  test('with queues', () => {
    expect(functionPermissions()).toEqual({
      'OrdersLogs.Arn': LOGS,
      'OrdersEventSourceSqsQueue.Arn': [...RECEIVE, 'sqs:SendMessage'],
      'OrdersRetryQueueSqsQueue.Arn': [...RECEIVE, 'sqs:SendMessage'],
      'OrdersDeadLetterQueue.Arn': ['sqs:SendMessage'],
      'OrdersLockTable.Arn': ACQUIRE_LOCKS,
      'OrdersCheckpointTable.Arn': CHECKPOINTS,
    });
  });

  test('with DynamoDB only', () => {
    expect(
      functionPermissions(() => ({ eventSource: EventSource.dynamoDb(), retryQueue: RetryQueue.dynamoDb() })),
    ).toEqual({
      'OrdersLogs.Arn': LOGS,
      'OrdersCheckpointTable.StreamArn': STREAM,
      'OrdersRetryQueueDynamoDbTable.Arn': RETRIES,
      'OrdersFailedInvocations.Arn': [...RECEIVE, 'sqs:SendMessage'],
      'OrdersDeadLetterQueue.Arn': ['sqs:SendMessage'],
      'OrdersLockTable.Arn': ACQUIRE_LOCKS,
      'OrdersCheckpointTable.Arn': CHECKPOINTS,
    });
  });

  test('with a Kinesis stream and a topic', () => {
    expect(
      functionPermissions(() => ({ eventSource: EventSource.kinesis(), failoverEventSource: EventSource.sns() })),
    ).toEqual({
      'OrdersLogs.Arn': LOGS,
      'OrdersEventSourceKinesisStream.Arn': [...READ, 'kinesis:PutRecords'],
      OrdersEventSourceSnsTopic: ['sns:Publish'],
      'OrdersRetryQueueSqsQueue.Arn': [...RECEIVE, 'sqs:SendMessage'],
      'OrdersFailedInvocations.Arn': [...RECEIVE, 'sqs:SendMessage'],
      'OrdersDeadLetterQueue.Arn': ['sqs:SendMessage'],
      'OrdersLockTable.Arn': ACQUIRE_LOCKS,
      'OrdersCheckpointTable.Arn': CHECKPOINTS,
    });
  });

  test('with enhanced fan-out', () => {
    expect(functionPermissions(() => ({ eventSource: EventSource.kinesis({ enhancedFanOut: true }) }))).toMatchObject({
      'OrdersEventSourceKinesisStream.Arn': [
        'kinesis:DescribeStream',
        'kinesis:DescribeStreamSummary',
        'kinesis:ListShards',
        'kinesis:PutRecords',
      ],
      'OrdersEventSourceKinesisConsumer.ConsumerARN': ['kinesis:DescribeStreamConsumer', 'kinesis:SubscribeToShard'],
    });
  });

  test('with the keys of an existing stream and topic', () => {
    const key = (stack: Stack, name: string) =>
      kms.Key.fromKeyArn(stack, name, `arn:aws:kms:eu-west-1:123456789012:key/${name}`);
    expect(
      functionPermissions((stack) => ({
        eventSource: EventSource.kinesis({
          stream: kinesis.Stream.fromStreamAttributes(stack, 'Stream', {
            streamArn: 'arn:aws:kinesis:eu-west-1:123456789012:stream/theirs',
            encryptionKey: key(stack, 'stream'),
          }),
        }),
        failoverEventSource: EventSource.sns({
          topic: new sns.Topic(stack, 'Theirs', { masterKey: key(stack, 'topic') }),
        }),
      })),
    ).toMatchObject({
      'arn:aws:kinesis:eu-west-1:123456789012:stream/theirs': [...READ, 'kinesis:PutRecords'],
      'arn:aws:kms:eu-west-1:123456789012:key/stream': ['kms:Decrypt', 'kms:GenerateDataKey'],
      Theirs: ['sns:Publish'],
      'arn:aws:kms:eu-west-1:123456789012:key/topic': ['kms:Decrypt', 'kms:GenerateDataKey'],
    });
  });

  test('with a customer managed key', () => {
    const { 'Key.Arn': key, ...others } = functionPermissions((stack) => ({
      encryptionKey: new kms.Key(stack, 'Key'),
    }));
    expect(key).toEqual([
      'kms:Decrypt',
      'kms:DescribeKey',
      'kms:Encrypt',
      'kms:GenerateDataKey',
      'kms:ReEncryptFrom',
      'kms:ReEncryptTo',
    ]);
    expect(others).toEqual(functionPermissions());
  });

  test('with the key of an existing queue', () => {
    expect(
      functionPermissions((stack) => ({
        eventSource: EventSource.sqs({
          queue: sqs.Queue.fromQueueAttributes(stack, 'Queue', {
            queueArn: 'arn:aws:sqs:eu-west-1:123456789012:theirs',
            keyArn: 'arn:aws:kms:eu-west-1:123456789012:key/theirs',
          }),
        }),
      })),
    ).toMatchObject({
      'arn:aws:sqs:eu-west-1:123456789012:theirs': [...RECEIVE, 'sqs:SendMessage'],
      'arn:aws:kms:eu-west-1:123456789012:key/theirs': ['kms:Decrypt', 'kms:GenerateDataKey'],
    });
  });

  test('in a VPC', () => {
    expect(functionPermissions((stack) => ({ vpc: new ec2.Vpc(stack, 'Network') }))['*']).toEqual([
      'ec2:AssignPrivateIpAddresses',
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:UnassignPrivateIpAddresses',
    ]);
  });

  test('include no managed policy, which would allow writing to all log groups', () => {
    for (const { Properties } of Object.values(synthesize().findResources('AWS::IAM::Role'))) {
      expect(Properties.ManagedPolicyArns).toBeUndefined();
    }
  });
});

describe('grants', () => {
  const SEND = { 'OrdersEventSourceSqsQueue.Arn': ['sqs:SendMessage'] };

  const RECORD = { 'OrdersLockTable.Arn': ['dynamodb:UpdateItem'] };

  test('grantStart', () => {
    expect(granteePermissions((workflow, user) => workflow.grantStart(user))).toEqual({ ...SEND, ...RECORD });
  });

  test('grantStart with a failover', () => {
    expect(
      granteePermissions((workflow, user) => workflow.grantStart(user), {
        failoverEventSource: EventSource.dynamoDb(),
      }),
    ).toEqual({
      ...SEND,
      ...RECORD,
      'OrdersCheckpointTable.Arn': ['dynamodb:BatchWriteItem'],
    });
  });

  test('grantStart with a Kinesis stream and a topic, without permission to read', () => {
    const props = { eventSource: EventSource.kinesis(), failoverEventSource: EventSource.sns() };
    expect(granteePermissions((workflow, user) => workflow.grantStart(user), props)).toEqual({
      ...RECORD,
      'OrdersEventSourceKinesisStream.Arn': ['kinesis:PutRecords'],
      OrdersEventSourceSnsTopic: ['sns:Publish'],
    });
  });

  test('grantSend', () => {
    expect(granteePermissions((workflow, user) => workflow.grantSend(user))).toEqual({
      ...SEND,
      'OrdersLockTable.Arn': ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
      'OrdersCheckpointTable.Arn': [
        'dynamodb:DeleteItem',
        'dynamodb:GetItem',
        'dynamodb:PutItem',
        'dynamodb:Query',
        'dynamodb:UpdateItem',
      ],
    });
  });

  test('grantDescribe', () => {
    expect(granteePermissions((workflow, user) => workflow.grantDescribe(user))).toEqual({
      'OrdersLockTable.Arn': ['dynamodb:GetItem'],
      'OrdersCheckpointTable.Arn': ['dynamodb:GetItem', 'dynamodb:Query'],
    });
  });

  test('grantResume, with permission to read envelopes from a stream', () => {
    const checkpoints = ['dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:Query'];
    expect(granteePermissions((workflow, user) => workflow.grantResume(user))).toEqual({
      ...SEND,
      'OrdersLockTable.Arn': ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
      'OrdersCheckpointTable.Arn': checkpoints,
    });
    expect(
      granteePermissions((workflow, user) => workflow.grantResume(user), { eventSource: EventSource.kinesis() }),
    ).toEqual({
      'OrdersEventSourceKinesisStream.Arn': ['kinesis:GetRecords', 'kinesis:GetShardIterator', 'kinesis:PutRecords'],
      'OrdersLockTable.Arn': ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
      'OrdersCheckpointTable.Arn': checkpoints,
    });
  });

  test('grantCancel', () => {
    expect(granteePermissions((workflow, user) => workflow.grantCancel(user))).toEqual({
      'OrdersLockTable.Arn': LOCKS,
      'OrdersCheckpointTable.Arn': [
        'dynamodb:BatchWriteItem',
        'dynamodb:GetItem',
        'dynamodb:Query',
        'dynamodb:UpdateItem',
      ],
    });
  });

  test('grantRedrive', () => {
    expect(granteePermissions((workflow, user) => workflow.grantRedrive(user))).toEqual({
      ...SEND,
      'OrdersLockTable.Arn': LOCKS,
      'OrdersCheckpointTable.Arn': ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
    });
  });

  test('permissions for the actions', () => {
    const stack = newStack();
    const topic = new sqs.Queue(stack, 'Theirs');
    topic.grantPurge(newWorkflow(stack));
    expect(permissions(Template.fromStack(stack), 'OrdersRoleDefaultPolicy')['Theirs.Arn']).toContain('sqs:PurgeQueue');
  });
});

describe('the adapters call exactly the allowed operations', () => {
  /** The operations behind the methods of `dynamodb/table.ts`. */
  const OF_TABLE: Readonly<Record<string, string>> = {
    get: 'GetItem',
    update: 'UpdateItem',
    change: 'UpdateItem',
    delete: 'DeleteItem',
    query: 'Query',
    queryAll: 'Query',
  };

  /** The operations that these files call. */
  function operations(...files: string[]): string[] {
    const found = files.flatMap((file) => {
      const text = readFileSync(path.join(__dirname, '../../../lambda/aws', file), 'utf8');
      return [
        ...[...text.matchAll(/new (\w+)Command\(/g)].map(([, operation]) => operation!),
        ...[...text.matchAll(/\bitems\.(\w+)\(/g)].flatMap(([, method]) => OF_TABLE[method!] ?? []),
      ];
    });
    return [...new Set(found)].sort();
  }

  const named = (actions: readonly string[]) => actions.map((action) => action.split(':')[1]);

  test('of the lock table, where BatchExecuteStatement needs the action of each statement', () => {
    expect(operations('dynamodb/client-lock-table.ts', 'dynamodb/lock-table.ts')).toEqual(named(LOCKS));
    expect(operations('dynamodb/batched-acquire.ts')).toEqual(['BatchExecuteStatement']);
  });

  test('of the retry table, where BatchExecuteStatement needs PartiQLDelete', () => {
    expect(operations('dynamodb/retry-queue.ts', 'dynamodb/write-batch.ts')).toEqual([
      'BatchExecuteStatement',
      'BatchWriteItem',
      'Query',
    ]);
  });

  test('of the checkpoint table, where the transactions of mailboxes need PutItem', () => {
    const files = [
      'checkpoint-table',
      'client-mailbox-table',
      'mailbox-counter',
      'mailbox-table',
      'event-source',
      'write-batch',
    ].map((name) => `dynamodb/${name}.ts`);
    expect([...operations(...files), 'PutItem'].sort()).toEqual([...named(CHECKPOINTS), 'TransactWriteItems'].sort());
  });

  test('of the queues, where one action authorizes both operations', () => {
    const files = ['dead-letter-queue', 'event-source', 'retry-queue', 'send-messages'].map((name) => `sqs/${name}.ts`);
    expect(operations(...files)).toEqual(['SendMessage', 'SendMessageBatch']);
  });

  test('of the Kinesis streams and topics', () => {
    expect(named([...READ, 'kinesis:PutRecords'])).toEqual(
      expect.arrayContaining(operations('kinesis/event-source.ts')),
    );
    expect(operations('sns/event-source.ts')).toEqual(['PublishBatch']);
  });
});
