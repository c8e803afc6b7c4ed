import {
  App, Stack, Duration, RemovalPolicy, aws_dynamodb as dynamodb, aws_ec2 as ec2, aws_kinesis as kinesis, aws_kms as kms, aws_sns as sns,
  aws_sqs as sqs,
} from 'aws-cdk-lib';
import { ENVIRONMENT, NEW_APP_CONTEXT, OUTPUT, newWorkflow } from './support';
import { CheckpointTable, EventSource, LockCache, LockTable, RetryQueue, type FsmWorkflowProps } from 'cdk-lambda-fsm';

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
  'locks in a cache': (stack) => {
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Network', {
      vpcId: 'vpc-0a1b2c3d4e5f60718',
      availabilityZones: ['eu-west-1a', 'eu-west-1b'],
      privateSubnetIds: ['subnet-0a1b2c3d4e5f60718', 'subnet-1a1b2c3d4e5f60718'],
    });
    return { vpc, lockCache: new LockCache(stack, 'Locks', { vpc }) };
  },
  'a stream that a topic takes over from': () => ({
    eventSource: EventSource.kinesis({ shardCount: 2 }),
    failoverEventSource: EventSource.sns(),
    retryQueue: RetryQueue.kinesis({ ignoreBackoff: true }),
    failoverRetryQueue: RetryQueue.sns({ ignoreBackoff: true }),
    removalPolicy: RemovalPolicy.DESTROY,
  }),
  'a topic that a fanned-out stream takes over from, with a key of one\'s own': (stack) => ({
    encryptionKey: new kms.Key(stack, 'Key'),
    eventSource: EventSource.sns(),
    failoverEventSource: EventSource.kinesis({ enhancedFanOut: true }),
  }),
  'a given stream and a given topic': (stack) => ({
    eventSource: EventSource.kinesis({ stream: kinesis.Stream.fromStreamArn(stack, 'events', `arn:aws:kinesis:${ACCOUNT}:stream/events`) }),
    failoverEventSource: EventSource.sns({ topic: sns.Topic.fromTopicArn(stack, 'failover', `arn:aws:sns:${ACCOUNT}:failover`) }),
  }),
};

/** The templates by combination, from one synth: what does not fit CloudFormation's schemas fails it. */
let templates: Map<string, unknown>;
beforeAll(() => {
  process.env.CDK_VALIDATION = 'true';
  const app = new App({ outdir: OUTPUT, context: { ...NEW_APP_CONTEXT, '@aws-cdk/core:validateAgainstDefaultRules': true } });
  for (const [index, props] of Object.values(COMBINATIONS).entries()) {
    const stack = new Stack(app, `Stack${index}`, ENVIRONMENT);
    newWorkflow(stack, props(stack));
  }
  const { stacks } = app.synth();
  templates = new Map(Object.keys(COMBINATIONS).map((name, index) => [name, stacks[index]!.template]));
}, 60_000);

test.each(Object.keys(COMBINATIONS))('%s', (name) => {
  // The hash changes with the runtime.
  const template = JSON.stringify(templates.get(name)).replace(/[0-9a-f]{64}\.(zip|json)/g, 'HASH.$1');
  expect(JSON.parse(template)).toMatchSnapshot();
});
