import { aws_kms as kms, aws_sns as sns, aws_sqs as sqs } from 'aws-cdk-lib';
import { newStack, newWorkflow, synthesize } from '../../../support/constructs';
import { EventSource, RetryQueue } from 'cdk-lambda-fsm';

const IMPORTED = 'arn:aws:sns:eu-west-1:123456789012:theirs';
const BOTH = () => ({ eventSource: EventSource.sns(), retryQueue: RetryQueue.sns({ ignoreBackoff: true }) });
const FAILED_INVOCATIONS = { 'Fn::GetAtt': [expect.stringMatching(/^OrdersFailedInvocations/), 'Arn'] };
const DEAD_LETTERS = { 'Fn::GetAtt': [expect.stringMatching(/^OrdersDeadLetterQueue/), 'Arn'] };

test('a new topic is encrypted with the AWS managed key', () => {
  const topics = Object.values(synthesize(BOTH).findResources('AWS::SNS::Topic'));
  expect(topics).toHaveLength(2);
  for (const { Properties } of topics) {
    expect(JSON.stringify(Properties.KmsMasterKeyId)).toContain('alias/aws/sns');
  }
});

test('topics deny plain HTTP', () => {
  const policies = Object.values(synthesize(BOTH).findResources('AWS::SNS::TopicPolicy'));
  expect(policies).toHaveLength(2);
  for (const { Properties } of policies) {
    expect(Properties.PolicyDocument.Statement).toEqual([
      expect.objectContaining({
        Effect: 'Deny',
        Action: 'sns:Publish',
        Principal: '*',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
    ]);
  }
});

test('a customer managed key encrypts the topics, and SNS may use it for the dead-letter queue', () => {
  const template = synthesize((stack) => ({ ...BOTH(), encryptionKey: new kms.Key(stack, 'Key') }));
  for (const { Properties } of Object.values(template.findResources('AWS::SNS::Topic'))) {
    expect(Properties.KmsMasterKeyId).toEqual({ 'Fn::GetAtt': [expect.stringMatching(/^Key/), 'Arn'] });
  }
  const [key] = Object.values(template.findResources('AWS::KMS::Key'));
  const ofSns = key!.Properties.KeyPolicy.Statement.filter(
    ({ Principal }: { Principal: { Service?: string } }) => Principal.Service === 'sns.amazonaws.com',
  );
  expect(ofSns).toEqual([
    expect.objectContaining({
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Condition: { StringEquals: { 'aws:SourceAccount': '123456789012' } },
    }),
  ]);
});

test('only the topics may invoke the function', () => {
  const template = synthesize(BOTH);
  const subscriptions = Object.values(template.findResources('AWS::SNS::Subscription'));
  expect(subscriptions.map(({ Properties }) => Properties)).toEqual(
    ['EventSourceSns', 'RetryQueueSns'].map((id) => ({
      Protocol: 'lambda',
      Endpoint: { 'Fn::GetAtt': [expect.stringMatching(/^OrdersFunction/), 'Arn'] },
      TopicArn: { Ref: expect.stringMatching(new RegExp(`^Orders${id}Topic`)) },
      RedrivePolicy: { deadLetterTargetArn: DEAD_LETTERS },
    })),
  );
  const permissions = Object.values(template.findResources('AWS::Lambda::Permission'));
  expect(permissions.map(({ Properties }) => [Properties.Principal, Properties.SourceArn])).toEqual(
    ['EventSourceSns', 'RetryQueueSns'].map((id) => [
      'sns.amazonaws.com',
      { Ref: expect.stringMatching(new RegExp(`^Orders${id}Topic`)) },
    ]),
  );
});

test('failed deliveries are dead-lettered, and the function takes up failed invocations', () => {
  const template = synthesize(BOTH);
  const configurations = Object.values(template.findResources('AWS::Lambda::EventInvokeConfig'));
  expect(configurations.map(({ Properties }) => Properties)).toEqual([
    {
      FunctionName: { Ref: expect.stringMatching(/^OrdersFunction/) },
      Qualifier: '$LATEST',
      DestinationConfig: { OnFailure: { Destination: FAILED_INVOCATIONS } },
    },
  ]);
  const [, failedInvocations] = Object.entries(template.findResources('AWS::SQS::Queue')).find(([id]) =>
    id.startsWith('OrdersFailedInvocations'),
  )!;
  expect(failedInvocations.Properties).toMatchObject({
    VisibilityTimeout: 60,
    RedrivePolicy: { deadLetterTargetArn: DEAD_LETTERS, maxReceiveCount: 10 },
  });
  const [mapping] = Object.values(template.findResources('AWS::Lambda::EventSourceMapping'));
  expect(mapping!.Properties).toMatchObject({
    EventSourceArn: FAILED_INVOCATIONS,
    BatchSize: 1,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
  });
  const [, policy] = Object.entries(template.findResources('AWS::SQS::QueuePolicy')).find(([id]) =>
    id.startsWith('OrdersDeadLetterQueue'),
  )!;
  const allowed = policy.Properties.PolicyDocument.Statement.filter(
    ({ Effect }: { Effect: string }) => Effect === 'Allow',
  );
  expect(allowed).toEqual(
    ['EventSourceSns', 'RetryQueueSns'].map((id) =>
      expect.objectContaining({
        Action: 'sqs:SendMessage',
        Principal: { Service: 'sns.amazonaws.com' },
        Condition: { ArnEquals: { 'aws:SourceArn': { Ref: expect.stringMatching(new RegExp(`^Orders${id}Topic`)) } } },
      }),
    ),
  );
});

test('a workflow without SNS does not configure asynchronous invocations', () => {
  synthesize().resourceCountIs('AWS::Lambda::EventInvokeConfig', 0);
});

test('an existing topic', () => {
  const stack = newStack();
  const workflow = newWorkflow(stack, {
    eventSource: EventSource.sns({ topic: sns.Topic.fromTopicArn(stack, 'Topic', IMPORTED) }),
  });
  expect(workflow.eventSource).toMatchObject({ service: 'sns', topic: { topicArn: IMPORTED } });
  const template = synthesize((other) => ({
    eventSource: EventSource.sns({ topic: sns.Topic.fromTopicArn(other, 'Topic', IMPORTED) }),
    deadLetterQueue: sqs.Queue.fromQueueArn(other, 'Queue', 'arn:aws:sqs:eu-west-1:123456789012:dead-letters'),
  }));
  template.resourceCountIs('AWS::SNS::Topic', 0);
  template.hasResourceProperties('AWS::SNS::Subscription', {
    TopicArn: IMPORTED,
    RedrivePolicy: { deadLetterTargetArn: 'arn:aws:sqs:eu-west-1:123456789012:dead-letters' },
  });
});
