import { Stack } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kinesis from 'aws-cdk-lib/aws-kinesis';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

// The grants of the AWS CDK's constructs allow more actions than this library calls. These allow exactly the actions that it calls.

/** `sqs:SendMessage` also authorizes SendMessageBatch. */
export function grantSendTo(queue: sqs.IQueue, grantee: iam.IGrantable): iam.Grant {
  return withKey(
    queue.grant(grantee, 'sqs:SendMessage'),
    queue.encryptionMasterKey,
    grantee,
    'kms:GenerateDataKey',
    'kms:Decrypt',
  );
}

/** The actions that Lambda's poller calls with the function's role, and the one with which the function sets the time of a redelivery. */
export function grantReceiveFrom(queue: sqs.IQueue, grantee: iam.IGrantable): iam.Grant {
  const actions = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'];
  return withKey(queue.grant(grantee, ...actions), queue.encryptionMasterKey, grantee, 'kms:Decrypt');
}

/** @param operations DynamoDB operations, for example `GetItem` */
export function grantTable(
  table: dynamodb.ITable,
  grantee: iam.IGrantable,
  ...operations: readonly string[]
): iam.Grant {
  const grant = iam.Grant.addToPrincipal({
    grantee,
    actions: operations.map((operation) => `dynamodb:${operation}`),
    resourceArns: [table.tableArn],
  });
  return withKey(
    grant,
    table.encryptionKey,
    grantee,
    'kms:Decrypt',
    'kms:Encrypt',
    'kms:GenerateDataKey',
    'kms:ReEncryptFrom',
    'kms:ReEncryptTo',
    'kms:DescribeKey',
  );
}

/** The actions that Lambda's poller calls with the function's role. */
export function grantStream(table: dynamodb.ITable, streamArn: string, grantee: iam.IGrantable): iam.Grant {
  const grant = iam.Grant.addToPrincipal({
    grantee,
    actions: ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'].map(
      (operation) => `dynamodb:${operation}`,
    ),
    resourceArns: [streamArn],
  });
  return withKey(grant, table.encryptionKey, grantee, 'kms:Decrypt');
}

export function grantPutTo(stream: kinesis.IStream, grantee: iam.IGrantable): iam.Grant {
  return withKey(
    grantOn(stream.streamArn, grantee, 'kinesis:PutRecords'),
    stream.encryptionKey,
    grantee,
    'kms:GenerateDataKey',
  );
}

/**
 * The actions that Lambda's poller calls with the function's role.
 *
 * @param consumer the enhanced fan-out consumer, if the function reads through one
 */
export function grantReadFrom(
  stream: kinesis.IStream,
  consumer: kinesis.IStreamConsumer | undefined,
  grantee: iam.IGrantable,
): iam.Grant {
  const describe = ['kinesis:DescribeStream', 'kinesis:DescribeStreamSummary', 'kinesis:ListShards'];
  const grant = consumer
    ? allOf(
        grantOn(stream.streamArn, grantee, ...describe),
        grantOn(consumer.streamConsumerArn, grantee, 'kinesis:DescribeStreamConsumer', 'kinesis:SubscribeToShard'),
      )
    : grantOn(stream.streamArn, grantee, ...describe, 'kinesis:GetRecords', 'kinesis:GetShardIterator');
  return withKey(grant, stream.encryptionKey, grantee, 'kms:Decrypt');
}

/** Reads a record again by its sequence number. */
export function grantReadBackFrom(stream: kinesis.IStream, grantee: iam.IGrantable): iam.Grant {
  const grant = grantOn(stream.streamArn, grantee, 'kinesis:GetRecords', 'kinesis:GetShardIterator');
  return withKey(grant, stream.encryptionKey, grantee, 'kms:Decrypt');
}

/** `sns:Publish` also authorizes PublishBatch. */
export function grantPublishTo(topic: sns.ITopic, key: kms.IKey | undefined, grantee: iam.IGrantable): iam.Grant {
  // A grantee in another account also needs a statement in the topic policy.
  const grant = iam.Grant.addToPrincipalOrResource({
    grantee,
    actions: ['sns:Publish'],
    resourceArns: [topic.topicArn],
    resource: topic,
  });
  return withKey(grant, key, grantee, 'kms:GenerateDataKey', 'kms:Decrypt');
}

/** @param arns ARNs of the cache and of the cache user that the identity connects as */
export function grantConnectTo(arns: string[], grantee: iam.IGrantable): iam.Grant {
  return iam.Grant.addToPrincipal({ grantee, actions: ['elasticache:Connect'], resourceArns: arns });
}

/** For a secret imported by name, the wildcard matches the suffix that Secrets Manager appends to the name. */
export function grantSecret(secret: secretsmanager.ISecret, grantee: iam.IGrantable): iam.Grant {
  const grant = grantOn(secret.secretFullArn ?? `${secret.secretArn}-??????`, grantee, 'secretsmanager:GetSecretValue');
  return withKey(grant, secret.encryptionKey, grantee, 'kms:Decrypt');
}

/** PutMetricData supports no resource-level permissions, so a condition restricts it to the namespace. */
export function grantPutMetrics(namespace: string, grantee: iam.IGrantable): iam.Grant {
  return iam.Grant.addToPrincipal({
    grantee,
    actions: ['cloudwatch:PutMetricData'],
    resourceArns: ['*'],
    conditions: { StringEquals: { 'cloudwatch:namespace': namespace } },
  });
}

/**
 * Lets CloudWatch Logs encrypt log groups. The statement names no log group, which may depend on the same key: CloudFormation rejects circular
 * dependencies.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
 */
export function encryptLogs(scope: Construct, key: kms.IKey): void {
  const { partition, region, account } = Stack.of(scope);
  key.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal(`logs.${region}.amazonaws.com`)],
      actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
      resources: ['*'],
      conditions: {
        ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:log-group:*` },
      },
    }),
    true,
  );
}

function grantOn(resourceArn: string, grantee: iam.IGrantable, ...actions: string[]): iam.Grant {
  return iam.Grant.addToPrincipal({ grantee, actions, resourceArns: [resourceArn] });
}

function withKey(
  grant: iam.Grant,
  key: kms.IKey | undefined,
  grantee: iam.IGrantable,
  ...actions: string[]
): iam.Grant {
  return key ? allOf(grant, key.grant(grantee, ...actions)) : grant;
}

/**
 * Combines grants. If one of them did not succeed, the result is that one: the combination of the AWS CDK would report success if any of them
 * did.
 */
export function allOf(first: iam.Grant, ...others: readonly iam.Grant[]): iam.Grant {
  return [first, ...others].find(({ success }) => !success) ?? others.reduce((all, grant) => all.combine(grant), first);
}
