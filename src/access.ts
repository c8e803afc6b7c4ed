import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kinesis from 'aws-cdk-lib/aws-kinesis';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type * as sqs from 'aws-cdk-lib/aws-sqs';

// The grants of the AWS CDK's own constructs allow more than this library calls. These name the action of each call, and nothing else.

/** `SendMessage` covers the batches, too. */
export function grantSendTo(queue: sqs.IQueue, grantee: iam.IGrantable): iam.Grant {
  return withKey(queue.grant(grantee, 'sqs:SendMessage'), queue.encryptionMasterKey, grantee, 'kms:GenerateDataKey', 'kms:Decrypt');
}

/** What Lambda's pollers call in the function's name. */
export function grantReceiveFrom(queue: sqs.IQueue, grantee: iam.IGrantable): iam.Grant {
  const actions = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];
  return withKey(queue.grant(grantee, ...actions), queue.encryptionMasterKey, grantee, 'kms:Decrypt');
}

/** @param operations of DynamoDB, for example `GetItem` */
export function grantTable(table: dynamodb.ITable, grantee: iam.IGrantable, ...operations: readonly string[]): iam.Grant {
  const grant = iam.Grant.addToPrincipal({
    grantee,
    actions: operations.map((operation) => `dynamodb:${operation}`),
    resourceArns: [table.tableArn],
  });
  return withKey(grant, table.encryptionKey, grantee, 'kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey', 'kms:ReEncryptFrom', 'kms:ReEncryptTo', 'kms:DescribeKey');
}

/** What Lambda's pollers call in the function's name. */
export function grantStream(table: dynamodb.ITable, streamArn: string, grantee: iam.IGrantable): iam.Grant {
  const grant = iam.Grant.addToPrincipal({
    grantee,
    actions: ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'].map((operation) => `dynamodb:${operation}`),
    resourceArns: [streamArn],
  });
  return withKey(grant, table.encryptionKey, grantee, 'kms:Decrypt');
}

export function grantPutTo(stream: kinesis.IStream, grantee: iam.IGrantable): iam.Grant {
  return withKey(grantOn(stream.streamArn, grantee, 'kinesis:PutRecords'), stream.encryptionKey, grantee, 'kms:GenerateDataKey');
}

/**
 * What Lambda's pollers call in the function's name.
 *
 * @param consumer to which Kinesis pushes the records, if it does
 */
export function grantReadFrom(stream: kinesis.IStream, consumer: kinesis.IStreamConsumer | undefined, grantee: iam.IGrantable): iam.Grant {
  const look = ['kinesis:DescribeStream', 'kinesis:DescribeStreamSummary', 'kinesis:ListShards'];
  const grant = consumer
    ? grantOn(stream.streamArn, grantee, ...look)
      .combine(grantOn(consumer.streamConsumerArn, grantee, 'kinesis:DescribeStreamConsumer', 'kinesis:SubscribeToShard'))
    : grantOn(stream.streamArn, grantee, ...look, 'kinesis:GetRecords', 'kinesis:GetShardIterator');
  return withKey(grant, stream.encryptionKey, grantee, 'kms:Decrypt');
}

/** What it takes to read one record again, by its sequence number. */
export function grantReadBackFrom(stream: kinesis.IStream, grantee: iam.IGrantable): iam.Grant {
  const grant = grantOn(stream.streamArn, grantee, 'kinesis:GetRecords', 'kinesis:GetShardIterator');
  return withKey(grant, stream.encryptionKey, grantee, 'kms:Decrypt');
}

/** `Publish` covers the batches, too. */
export function grantPublishTo(topic: sns.ITopic, key: kms.IKey | undefined, grantee: iam.IGrantable): iam.Grant {
  // In its policy, too, where the grantee is of another account.
  const grant = iam.Grant.addToPrincipalOrResource({ grantee, actions: ['sns:Publish'], resourceArns: [topic.topicArn], resource: topic });
  return withKey(grant, key, grantee, 'kms:GenerateDataKey', 'kms:Decrypt');
}

/** @param arns of a cache and of the user as whom the identity connects */
export function grantConnectTo(arns: string[], grantee: iam.IGrantable): iam.Grant {
  return iam.Grant.addToPrincipal({ grantee, actions: ['elasticache:Connect'], resourceArns: arns });
}

/** What Secrets Manager adds to the name of a secret is not known of one that is imported by its name. */
export function grantSecret(secret: secretsmanager.ISecret, grantee: iam.IGrantable): iam.Grant {
  const grant = grantOn(secret.secretFullArn ?? `${secret.secretArn}-??????`, grantee, 'secretsmanager:GetSecretValue');
  return withKey(grant, secret.encryptionKey, grantee, 'kms:Decrypt');
}

/** CloudWatch knows no resources here; the namespace is all that narrows it down. */
export function grantPutMetrics(namespace: string, grantee: iam.IGrantable): iam.Grant {
  return iam.Grant.addToPrincipal({
    grantee,
    actions: ['cloudwatch:PutMetricData'],
    resourceArns: ['*'],
    conditions: { StringEquals: { 'cloudwatch:namespace': namespace } },
  });
}

function grantOn(resourceArn: string, grantee: iam.IGrantable, ...actions: string[]): iam.Grant {
  return iam.Grant.addToPrincipal({ grantee, actions, resourceArns: [resourceArn] });
}

function withKey(grant: iam.Grant, key: kms.IKey | undefined, grantee: iam.IGrantable, ...actions: string[]): iam.Grant {
  return key ? grant.combine(key.grant(grantee, ...actions)) : grant;
}
