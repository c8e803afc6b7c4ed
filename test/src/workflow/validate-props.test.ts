import {
  Duration,
  Lazy,
  aws_dynamodb as dynamodb,
  aws_ec2 as ec2,
  aws_kinesis as kinesis,
  aws_lambda as lambda,
  aws_sns as sns,
  aws_sqs as sqs,
  type Stack,
} from 'aws-cdk-lib';
import { ORDER, existingQueue, newStack, refusal, synthesize } from '../../support/constructs';
import {
  CheckpointTable,
  EventSource,
  LockTable,
  MachineDefinition,
  RetryQueue,
  type FsmWorkflowProps,
} from 'cdk-lambda-fsm';

const QUEUE = 'arn:aws:sqs:eu-west-1:123456789012:theirs';
const TABLE = 'arn:aws:dynamodb:eu-west-1:123456789012:table/theirs';

const STREAM = 'arn:aws:kinesis:eu-west-1:123456789012:stream/theirs';
const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:theirs';

/** A machine without backoff. */
const WITHOUT_BACKOFF = { ...ORDER, backoff: { baseSeconds: 0 } };

/** A machine without backoff, with a timeout. */
const WITH_TIMEOUT = {
  ...WITHOUT_BACKOFF,
  states: { ...ORDER.states, charging: { ...ORDER.states.charging, timeout: { seconds: 60, event: 'charged' } } },
};

const stream = (stack: Stack, id = 'Stream', arn = STREAM) => kinesis.Stream.fromStreamArn(stack, id, arn);
const topic = (stack: Stack, id = 'Topic', arn = TOPIC) => sns.Topic.fromTopicArn(stack, id, arn);
const queue = (stack: Stack, id = 'Queue', arn = QUEUE) => sqs.Queue.fromQueueArn(stack, id, arn);
const table = (stack: Stack, id = 'Table') => dynamodb.Table.fromTableArn(stack, id, TABLE);

test.each<[string, (stack: Stack) => Partial<FsmWorkflowProps>, RegExp]>([
  // Machines and actions
  ['no machines', () => ({ machines: [] }), /machines is empty: expected at least one machine\./],
  [
    'a broken machine',
    () => ({ machines: [MachineDefinition.fromObject({ ...ORDER, initial: 'reserveing' })] }),
    /machines: machine "order".*"reserveing"/,
  ],
  [
    'two machines with the same name',
    () => ({ machines: [MachineDefinition.fromObject(ORDER), MachineDefinition.fromObject(ORDER)] }),
    /machines: .*"order"/,
  ],
  [
    'a missing actions file',
    () => ({ actions: 'nowhere.ts' }),
    /Invalid actions "nowhere\.ts": the file \/.*\/nowhere\.ts does not exist\. Set actions to the path/,
  ],
  [
    'a name with non-ASCII characters',
    () => ({ workflowName: 'Aufträge' }),
    /Invalid workflowName "Aufträge": expected 1 to 255 printable ASCII characters/,
  ],
  // Function
  [
    'too little memory',
    () => ({ memorySize: 64 }),
    /Invalid memorySize 64: expected an integer from 128 to 10240 \(Lambda limit\)\./,
  ],
  [
    'a timeout above the maximum',
    () => ({ timeout: Duration.minutes(16) }),
    /Invalid timeout 16 minutes: expected 5 seconds to 15 minutes in whole seconds/,
  ],
  [
    'a timeout in fractions of a second',
    () => ({ timeout: Duration.millis(5500) }),
    /Invalid timeout .* in whole seconds/,
  ],
  [
    'an unresolved timeout',
    () => ({ timeout: Duration.seconds(Lazy.number({ produce: () => 30 })) }),
    /timeout must be known at synthesis.*Duration\.seconds/,
  ],
  [
    'a reserved environment variable',
    () => ({ environment: { FSM_WORKFLOW: '{}' } }),
    /Invalid environment variable "FSM_WORKFLOW": .* Rename the variable/,
  ],
  [
    'subnets without a VPC',
    () => ({ vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC } }),
    /vpcSubnets and securityGroups require vpc\. Set vpc/,
  ],
  [
    'a negative reserved concurrency',
    () => ({ reservedConcurrentExecutions: -1 }),
    /Invalid reservedConcurrentExecutions -1: expected an integer of at least 0/,
  ],
  // SQS
  [
    'a batch size above the maximum',
    () => ({ eventSource: EventSource.sqs({ batchSize: 11 }) }),
    /eventSource: Invalid batchSize 11: expected an integer from 1 to 10 \(Lambda limit without a maxBatchingWindow of at least 1 second\)/,
  ],
  [
    'a batch size above the maximum with a batching window',
    () => ({ eventSource: EventSource.sqs({ batchSize: 10_001, maxBatchingWindow: Duration.seconds(1) }) }),
    /eventSource: Invalid batchSize .* 1 to 10000/,
  ],
  [
    'a batching window above the maximum',
    () => ({ retryQueue: RetryQueue.sqs({ maxBatchingWindow: Duration.minutes(6) }) }),
    /retryQueue: Invalid maxBatchingWindow .* 0 seconds to 5 minutes/,
  ],
  [
    'a maximum concurrency below the minimum',
    () => ({ failoverEventSource: EventSource.sqs({ maxConcurrency: 1 }) }),
    /failoverEventSource: Invalid maxConcurrency .* 2 to 1000/,
  ],
  [
    'a maximum receive count above the maximum',
    () => ({ failoverRetryQueue: RetryQueue.sqs({ maxReceiveCount: 1001 }) }),
    /failoverRetryQueue: Invalid maxReceiveCount .* 2 to 1000/,
  ],
  [
    'a FIFO queue with a batching window',
    () => ({ eventSource: EventSource.sqs({ fifo: true, maxBatchingWindow: Duration.seconds(1) }) }),
    /does not support maxBatchingWindow for FIFO queues.*standard queue/,
  ],
  [
    'a FIFO queue with a batch size above the maximum',
    () => ({ eventSource: EventSource.sqs({ fifo: true, batchSize: 20 }) }),
    /Invalid batchSize 20: .*for FIFO queues/,
  ],
  [
    'fifo for an existing standard queue',
    (stack) => ({ eventSource: EventSource.sqs({ queue: queue(stack), fifo: true }) }),
    /Invalid fifo true: the existing queue is a standard queue/,
  ],
  [
    'no fifo for an existing FIFO queue',
    (stack) => ({ eventSource: EventSource.sqs({ queue: queue(stack, 'Q', `${QUEUE}.fifo`), fifo: false }) }),
    /Invalid fifo false: the existing queue is a FIFO queue/,
  ],
  [
    'a FIFO retry queue',
    (stack) => ({ retryQueue: RetryQueue.sqs({ queue: queue(stack, 'Q', `${QUEUE}.fifo`) }) }),
    /retryQueue: A FIFO queue cannot delay single messages.*standard queue/,
  ],
  [
    'a FIFO dead-letter queue',
    (stack) => ({ deadLetterQueue: queue(stack, 'Q', `${QUEUE}.fifo`) }),
    /deadLetterQueue: A FIFO queue/,
  ],
  [
    'a visibility timeout below the timeout of the function',
    (stack) => ({ eventSource: EventSource.sqs({ queue: new sqs.Queue(stack, 'Q') }), timeout: Duration.seconds(40) }),
    /has a visibility timeout of 30 s, but the function's timeout is 40 s.*visibilityTimeout to 70 s/,
  ],
  [
    'a queue without a dead-letter queue',
    (stack) => ({
      eventSource: EventSource.sqs({ queue: new sqs.Queue(stack, 'Q', { visibilityTimeout: Duration.minutes(1) }) }),
    }),
    /eventSource: The existing queue has no dead-letter queue.*deadLetterQueue, with a maxReceiveCount of at least 2/,
  ],
  [
    'a queue that delivers a message once',
    (stack) => ({
      retryQueue: RetryQueue.sqs({
        queue: existingQueue(stack, 'Q', {
          deadLetterQueue: { queue: new sqs.Queue(stack, 'D'), maxReceiveCount: 1 },
        }),
      }),
    }),
    /retryQueue: The existing queue has a maxReceiveCount of 1, .*at least 2/,
  ],
  [
    'another maxReceiveCount than the redrive policy of the queue has',
    (stack) => ({ eventSource: EventSource.sqs({ queue: existingQueue(stack, 'Q'), maxReceiveCount: 3 }) }),
    /eventSource: Invalid maxReceiveCount 3: the redrive policy of the existing queue has 10/,
  ],
  [
    'the dead-letter queue as event source',
    (stack) => ({ eventSource: EventSource.sqs({ queue: queue(stack) }), deadLetterQueue: queue(stack, 'D') }),
    /eventSource: The queue is the workflow's deadLetterQueue/,
  ],
  // DynamoDB
  [
    'a DynamoDB batch size above the maximum',
    () => ({ eventSource: EventSource.dynamoDb({ batchSize: 10_001 }) }),
    /batchSize .* 1 to 10000/,
  ],
  [
    'a DynamoDB parallelization factor above the maximum',
    () => ({ eventSource: EventSource.dynamoDb({ parallelizationFactor: 11 }) }),
    /parallelizationFactor .* 1 to 10 /,
  ],
  [
    'DynamoDB retry attempts above the maximum',
    () => ({ eventSource: EventSource.dynamoDb({ retryAttempts: 10_001 }) }),
    /retryAttempts 10001: expected an integer from \d+ to 10000/,
  ],
  [
    'a DynamoDB record age above the maximum',
    () => ({ eventSource: EventSource.dynamoDb({ maxRecordAge: Duration.hours(25) }) }),
    /maxRecordAge .* 1 minute to (1 day|24 hours) in whole seconds \(DynamoDB Streams limit\)/,
  ],
  [
    'a DynamoDB batching window above the maximum',
    () => ({ eventSource: EventSource.dynamoDb({ maxBatchingWindow: Duration.hours(1) }) }),
    /maxBatchingWindow/,
  ],
  [
    'a checkpoint table without a stream',
    (stack) => ({
      failoverEventSource: EventSource.dynamoDb(),
      checkpointTable: CheckpointTable.fromTable(table(stack)),
    }),
    /failoverEventSource: The existing checkpointTable has no stream.*NEW_IMAGE.*fromTableAttributes/,
  ],
  [
    'zero shards',
    () => ({ retryQueue: RetryQueue.dynamoDb({ shards: 0 }) }),
    /retryQueue: Invalid shards 0: .* 1 to 100/,
  ],
  [
    'a fractional number of shards',
    () => ({ retryQueue: RetryQueue.dynamoDb({ shards: 1.5 }) }),
    /Invalid shards 1\.5: expected an integer/,
  ],
  [
    'a lock retention below the minimum',
    (stack) => ({ lockTable: LockTable.fromTable(table(stack), { retention: Duration.days(14) }) }),
    /lockTable: Invalid retention 14 days: expected 15 to 3650 days in whole days/,
  ],
  [
    'a checkpoint retention in hours',
    (stack) => ({ checkpointTable: CheckpointTable.fromTable(table(stack), { retention: Duration.hours(400) }) }),
    /checkpointTable: Invalid retention .* in whole days/,
  ],
  [
    'the same table for locks and checkpoints',
    (stack) => ({
      lockTable: LockTable.fromTable(table(stack)),
      checkpointTable: CheckpointTable.fromTable(table(stack, 'T')),
    }),
    /lockTable and checkpointTable are the same table/,
  ],
  [
    'a machine with a timeout and retry queues without delays',
    () => ({
      machines: [MachineDefinition.fromObject(WITH_TIMEOUT)],
      retryQueue: RetryQueue.kinesis(),
      failoverRetryQueue: RetryQueue.sns(),
    }),
    /retryQueue cannot delay messages, but machine "order", state "charging" has a timeout\. Use RetryQueue\.sqs\(\)/,
  ],
  // Kinesis
  [
    'a Kinesis batch size above the maximum',
    () => ({ eventSource: EventSource.kinesis({ batchSize: 10_001 }) }),
    /eventSource: Invalid batchSize .* 1 to 10000/,
  ],
  [
    'zero Kinesis shards',
    () => ({ failoverEventSource: EventSource.kinesis({ shardCount: 0 }) }),
    /failoverEventSource: Invalid shardCount 0: expected an integer of at least 1/,
  ],
  [
    'a Kinesis parallelization factor above the maximum',
    () => ({ eventSource: EventSource.kinesis({ parallelizationFactor: 11 }) }),
    /parallelizationFactor .* 1 to 10 /,
  ],
  [
    'a Kinesis batching window above the maximum',
    () => ({ eventSource: EventSource.kinesis({ maxBatchingWindow: Duration.hours(1) }) }),
    /maxBatchingWindow/,
  ],
  [
    'Kinesis retry attempts above the maximum',
    () => ({ eventSource: EventSource.kinesis({ retryAttempts: 10_001 }) }),
    /retryAttempts 10001: expected an integer from \d+ to 10000/,
  ],
  [
    'fewer attempts of a stream than an execution has',
    () => ({ eventSource: EventSource.kinesis({ retryAttempts: 3 }) }),
    /eventSource: Invalid retryAttempts 3: expected an integer from 7 .* Lambda would discard executions that are still retried/,
  ],
  [
    'a Kinesis record age above the maximum',
    () => ({ eventSource: EventSource.kinesis({ maxRecordAge: Duration.days(8), retentionPeriod: Duration.days(9) }) }),
    /maxRecordAge .* to 7 days in whole seconds \(Lambda limit\)/,
  ],
  [
    'a record age above the retention period',
    () => ({ eventSource: EventSource.kinesis({ maxRecordAge: Duration.days(2), retentionPeriod: Duration.days(1) }) }),
    /Invalid maxRecordAge 2 days: the stream keeps records for only 1 day\. Increase the stream's retentionPeriod/,
  ],
  [
    'a retention period below the minimum',
    () => ({ eventSource: EventSource.kinesis({ retentionPeriod: Duration.hours(23) }) }),
    /retentionPeriod .* (24 hours|1 day) to 365 days in whole seconds \(Kinesis limit\)/,
  ],
  [
    'a retention period in fractions of an hour',
    () => ({ eventSource: EventSource.kinesis({ retentionPeriod: Duration.minutes(24 * 60 + 30) }) }),
    /Invalid retentionPeriod .*: expected whole hours/,
  ],
  [
    'a new stream with the starting position LATEST',
    () => ({ eventSource: EventSource.kinesis({ startingPosition: lambda.StartingPosition.LATEST }) }),
    /Invalid startingPosition LATEST: in a new stream.*Omit startingPosition/,
  ],
  [
    'a stream with the starting position AT_TIMESTAMP',
    (stack) => ({
      eventSource: EventSource.kinesis({
        stream: stream(stack),
        startingPosition: lambda.StartingPosition.AT_TIMESTAMP,
      }),
    }),
    /Invalid startingPosition AT_TIMESTAMP: .* Use TRIM_HORIZON/,
  ],
  [
    'the number of shards of an existing stream',
    (stack) => ({ eventSource: EventSource.kinesis({ stream: stream(stack), shardCount: 2 }) }),
    /shardCount applies only to a new stream, but an existing stream is given/,
  ],
  [
    'the retention period of an existing stream',
    (stack) => ({ eventSource: EventSource.kinesis({ stream: stream(stack), retentionPeriod: Duration.days(2) }) }),
    /retentionPeriod applies only to a new stream/,
  ],
  [
    'a stream in another account',
    (stack) => ({
      eventSource: EventSource.kinesis({ stream: stream(stack, 'S', STREAM.replace('123456789012', '210987654321')) }),
    }),
    /The existing stream is in account 210987654321, but the workflow is in account 123456789012/,
  ],
  [
    'a stream in another Region',
    (stack) => ({
      eventSource: EventSource.kinesis({ stream: stream(stack, 'S', STREAM.replace('eu-west-1', 'us-east-1')) }),
    }),
    /The existing stream is in Region us-east-1/,
  ],
  [
    'a Kinesis retry queue for a machine with backoff',
    () => ({ retryQueue: RetryQueue.kinesis() }),
    /retryQueue: Kinesis cannot delay retries, but machine "order" has a backoff in "reserving", "charging", "done"\. Set "backoff".*RetryQueue\.sqs\(\).*ignoreBackoff: true/,
  ],
  [
    'a Kinesis retry queue for a state with backoff',
    () => ({
      machines: [
        MachineDefinition.fromObject({
          ...WITHOUT_BACKOFF,
          states: { ...ORDER.states, charging: { ...ORDER.states.charging, backoff: { baseSeconds: 1 } } },
        }),
      ],
      failoverRetryQueue: RetryQueue.kinesis(),
    }),
    /failoverRetryQueue: Kinesis cannot delay retries, but machine "order" has a backoff in "charging"\./,
  ],
  // SNS
  [
    'a FIFO topic',
    (stack) => ({ eventSource: EventSource.sns({ topic: topic(stack, 'T', `${TOPIC}.fifo`) }) }),
    /eventSource: A FIFO topic cannot invoke a Lambda function.*standard topic/,
  ],
  [
    'a FIFO topic from the stack',
    (stack) => ({
      retryQueue: RetryQueue.sns({ ignoreBackoff: true, topic: new sns.Topic(stack, 'T', { fifo: true }) }),
    }),
    /retryQueue: A FIFO topic/,
  ],
  [
    'a topic in another Region',
    (stack) => ({
      failoverEventSource: EventSource.sns({ topic: topic(stack, 'T', TOPIC.replace('eu-west-1', 'us-east-1')) }),
    }),
    /The existing topic is in Region us-east-1/,
  ],
  [
    'an SNS retry queue for a machine with backoff',
    () => ({
      machines: [
        MachineDefinition.fromObject(ORDER),
        MachineDefinition.fromObject({ ...WITHOUT_BACKOFF, name: 'refund' }),
      ],
      retryQueue: RetryQueue.sns(),
    }),
    /^(?![^]*"refund")[^]*retryQueue: SNS cannot delay retries, but machine "order"/,
  ],
  // Failover
  [
    'the same Kinesis stream as event source and failover',
    (stack) => ({
      eventSource: EventSource.kinesis({ stream: stream(stack) }),
      failoverEventSource: EventSource.kinesis({ stream: stream(stack, 'S') }),
    }),
    /failoverEventSource and eventSource use the same resource/,
  ],
  [
    'the same topic as event source and retry queue',
    (stack) => ({
      eventSource: EventSource.sns({ topic: topic(stack) }),
      failoverRetryQueue: RetryQueue.sns({ ignoreBackoff: true, topic: topic(stack, 'T') }),
    }),
    /failoverRetryQueue and eventSource use the same resource/,
  ],
  [
    'the checkpoint stream as event source and failover',
    () => ({ eventSource: EventSource.dynamoDb(), failoverEventSource: EventSource.dynamoDb() }),
    /failoverEventSource and eventSource use the same resource/,
  ],
  [
    'the same queue as event source and failover',
    (stack) => ({
      eventSource: EventSource.sqs({ queue: queue(stack) }),
      failoverEventSource: EventSource.sqs({ queue: queue(stack, 'Q') }),
    }),
    /failoverEventSource and eventSource use the same resource/,
  ],
  [
    'the same object as event source and failover',
    () => {
      const source = EventSource.sqs();
      return { eventSource: source, failoverEventSource: source };
    },
    /failoverEventSource and eventSource use the same resource/,
  ],
  [
    'the same queue as event source and retry queue',
    (stack) => ({
      eventSource: EventSource.sqs({ queue: queue(stack) }),
      retryQueue: RetryQueue.sqs({ queue: queue(stack, 'Q') }),
    }),
    /retryQueue and eventSource use the same resource/,
  ],
  [
    'the same table as both retry queues',
    (stack) => ({
      retryQueue: RetryQueue.dynamoDb({ table: table(stack) }),
      failoverRetryQueue: RetryQueue.dynamoDb({ table: table(stack, 'T') }),
    }),
    /failoverRetryQueue and retryQueue use the same resource/,
  ],
])('rejects %s', (_, props, message) => {
  expect(refusal(props)).toMatch(message);
});

test.each<[string, (stack: Stack) => Partial<FsmWorkflowProps>]>([
  ['a machine without backoff', () => ({ machines: [MachineDefinition.fromObject(WITHOUT_BACKOFF)] })],
  ['a machine without retries', () => ({ machines: [MachineDefinition.fromObject({ ...ORDER, maxRetries: 0 })] })],
])('accepts retry queues without delays for %s', (_, props) => {
  synthesize((stack) => ({ ...props(stack), retryQueue: RetryQueue.kinesis(), failoverRetryQueue: RetryQueue.sns() }));
});

test('accepts retry queues without delays with ignoreBackoff', () => {
  const options = { ignoreBackoff: true };
  synthesize(() => ({ retryQueue: RetryQueue.sns(options), failoverRetryQueue: RetryQueue.kinesis(options) }));
});

test('reports all errors together, with the path of the workflow', () => {
  const message = refusal(() => ({
    machines: [MachineDefinition.fromObject({}), MachineDefinition.fromYamlFile('nowhere.yaml')],
    actions: 'nowhere.ts',
    memorySize: 1,
    eventSource: EventSource.sqs({ batchSize: 0, maxConcurrency: 0 }),
    retryQueue: RetryQueue.dynamoDb({ shards: 1000 }),
  }));
  expect(message).toMatch(/^Invalid workflow "Stack\/Orders": \d+ errors:\n/);
  for (const part of [
    'nowhere.yaml',
    'nowhere.ts',
    'memorySize',
    'eventSource: Invalid batchSize',
    'eventSource: Invalid maxConcurrency',
    'retryQueue: Invalid shards',
  ]) {
    expect(message).toContain(part);
  }
});

test('creates no table with an invalid retention', () => {
  const stack = newStack();
  expect(() => new LockTable(stack, 'Locks', { retention: Duration.days(1) })).toThrow(
    /Invalid LockTable "Stack\/Locks": 1 error:\n {2}- Invalid retention/,
  );
  expect(
    () => new CheckpointTable(stack, 'Journal', { retention: Duration.days(Lazy.number({ produce: () => 30 })) }),
  ).toThrow(/retention must be known at synthesis/);
  expect(stack.node.findAll().filter((construct) => construct instanceof dynamodb.Table)).toEqual([]);
});

test('skips values that are resolved at deployment', () => {
  const unknown = () => Lazy.number({ produce: () => 5 });
  synthesize(() => ({
    memorySize: unknown(),
    eventSource: EventSource.sqs({ batchSize: unknown(), maxConcurrency: unknown() }),
    failoverEventSource: EventSource.dynamoDb({
      batchSize: unknown(),
      parallelizationFactor: unknown(),
      retryAttempts: unknown(),
    }),
  }));
});
