import {
  Duration, Lazy, aws_dynamodb as dynamodb, aws_ec2 as ec2, aws_kinesis as kinesis, aws_lambda as lambda, aws_sns as sns, aws_sqs as sqs,
  type Stack,
} from 'aws-cdk-lib';
import { ORDER, newStack, refusal, synthesize } from './support';
import { CheckpointTable, EventSource, LockTable, MachineDefinition, RetryQueue, type FsmWorkflowProps } from 'cdk-lambda-fsm';

const QUEUE = 'arn:aws:sqs:eu-west-1:123456789012:theirs';
const TABLE = 'arn:aws:dynamodb:eu-west-1:123456789012:table/theirs';

const STREAM = 'arn:aws:kinesis:eu-west-1:123456789012:stream/theirs';
const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:theirs';

/** A machine whose failed steps are tried again at once. */
const AT_ONCE = { ...ORDER, backoff: { baseSeconds: 0 } };

/** The same, with a state that is not waited in for ever. */
const IMPATIENT = {
  ...AT_ONCE,
  states: { ...ORDER.states, charging: { ...ORDER.states.charging, timeout: { seconds: 60, event: 'charged' } } },
};

const stream = (stack: Stack, id = 'Stream', arn = STREAM) => kinesis.Stream.fromStreamArn(stack, id, arn);
const topic = (stack: Stack, id = 'Topic', arn = TOPIC) => sns.Topic.fromTopicArn(stack, id, arn);
const queue = (stack: Stack, id = 'Queue', arn = QUEUE) => sqs.Queue.fromQueueArn(stack, id, arn);
const table = (stack: Stack, id = 'Table') => dynamodb.Table.fromTableArn(stack, id, TABLE);

test.each<[string, (stack: Stack) => Partial<FsmWorkflowProps>, RegExp]>([
  // Machines and actions
  ['no machines', () => ({ machines: [] }), /machines: there is none\. Give at least one/],
  ['a broken machine', () => ({ machines: [MachineDefinition.fromObject({ ...ORDER, initial: 'reserveing' })] }), /machines: machine "order".*"reserveing"/],
  ['two machines of one name', () => ({ machines: [MachineDefinition.fromObject(ORDER), MachineDefinition.fromObject(ORDER)] }), /machines: .*"order"/],
  ['no actions file', () => ({ actions: 'nowhere.ts' }), /actions: there is no file \/.*\/nowhere\.ts\. Give the path/],
  ['a name that no metric can bear', () => ({ workflowName: 'Aufträge' }), /workflowName must be 1 to 255 printable ASCII characters/],
  // Function
  ['too little memory', () => ({ memorySize: 64 }), /memorySize must be a whole number from 128 to 10240 \(the limit of Lambda\), but is 64\./],
  ['too long a timeout', () => ({ timeout: Duration.minutes(16) }), /timeout must be whole seconds from 5 seconds to 15 minutes .*, but is 16 minutes\./],
  ['a timeout of half a second', () => ({ timeout: Duration.millis(5500) }), /timeout must be whole seconds/],
  ['a timeout that nobody knows', () => ({ timeout: Duration.seconds(Lazy.number({ produce: () => 30 })) }), /timeout must be known at synth.*Duration\.seconds/],
  ['the runtime\'s own variable', () => ({ environment: { FSM_WORKFLOW: '{}' } }), /environment: .* FSM_WORKFLOW.*another name/],
  ['subnets without a network', () => ({ vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC } }), /vpcSubnets.*Give its vpc/],
  ['a negative concurrency', () => ({ reservedConcurrentExecutions: -1 }), /reservedConcurrentExecutions must be/],
  // SQS
  ['too large a batch', () => ({ eventSource: EventSource.sqs({ batchSize: 11 }) }), /eventSource: batchSize must be a whole number from 1 to 10 \(the limit of Lambda without a maxBatchingWindow of at least a second\), but is 11/],
  ['a batch of thousands', () => ({ eventSource: EventSource.sqs({ batchSize: 10_001, maxBatchingWindow: Duration.seconds(1) }) }), /eventSource: batchSize .* 1 to 10000/],
  ['too long a window', () => ({ retryQueue: RetryQueue.sqs({ maxBatchingWindow: Duration.minutes(6) }) }), /retryQueue: maxBatchingWindow .* 0 seconds to 5 minutes/],
  ['a concurrency of one', () => ({ failoverEventSource: EventSource.sqs({ maxConcurrency: 1 }) }), /failoverEventSource: maxConcurrency .* 2 to 1000/],
  ['too many receives', () => ({ failoverRetryQueue: RetryQueue.sqs({ maxReceiveCount: 1001 }) }), /failoverRetryQueue: maxReceiveCount .* 1 to 1000/],
  ['receives of a given queue', (stack) => ({ eventSource: EventSource.sqs({ queue: queue(stack), maxReceiveCount: 5 }) }), /maxReceiveCount is a setting of the queue/],
  ['a FIFO queue with a window', () => ({ eventSource: EventSource.sqs({ fifo: true, maxBatchingWindow: Duration.seconds(1) }) }), /maxBatchingWindow cannot be had with a FIFO queue.*standard queue/],
  ['a FIFO queue with large batches', () => ({ eventSource: EventSource.sqs({ fifo: true, batchSize: 20 }) }), /batchSize .* for a FIFO queue/],
  ['a standard queue called FIFO', (stack) => ({ eventSource: EventSource.sqs({ queue: queue(stack), fifo: true }) }), /fifo is true, but the given queue is a standard queue/],
  ['a FIFO queue called standard', (stack) => ({ eventSource: EventSource.sqs({ queue: queue(stack, 'Q', `${QUEUE}.fifo`), fifo: false }) }), /fifo is false, but the given queue is a FIFO queue/],
  ['a FIFO retry queue', (stack) => ({ retryQueue: RetryQueue.sqs({ queue: queue(stack, 'Q', `${QUEUE}.fifo`) }) }), /retryQueue: a FIFO queue cannot hold single messages back.*standard queue/],
  ['a FIFO dead-letter queue', (stack) => ({ deadLetterQueue: queue(stack, 'Q', `${QUEUE}.fifo`) }), /deadLetterQueue: a FIFO queue/],
  ['a queue that shows messages again too soon', (stack) => ({ eventSource: EventSource.sqs({ queue: new sqs.Queue(stack, 'Q') }), timeout: Duration.seconds(40) }), /hides a received message for 30 s, but the function may take 40 s.*visibilityTimeout to 240 s/],
  ['the dead-letter queue as event source', (stack) => ({ eventSource: EventSource.sqs({ queue: queue(stack) }), deadLetterQueue: queue(stack, 'D') }), /eventSource: the queue is the dead-letter queue/],
  // DynamoDB
  ['too many records', () => ({ eventSource: EventSource.dynamoDb({ batchSize: 10_001 }) }), /batchSize .* 1 to 10000/],
  ['too much parallelism', () => ({ eventSource: EventSource.dynamoDb({ parallelizationFactor: 11 }) }), /parallelizationFactor .* 1 to 10 /],
  ['too many retries of a batch', () => ({ eventSource: EventSource.dynamoDb({ retryAttempts: 10_001 }) }), /retryAttempts .* 0 to 10000/],
  ['records older than the stream', () => ({ eventSource: EventSource.dynamoDb({ maxRecordAge: Duration.hours(25) }) }), /maxRecordAge .* 1 minute to (1 day|24 hours) \(the limit of DynamoDB Streams\)/],
  ['a window on a stream', () => ({ eventSource: EventSource.dynamoDb({ maxBatchingWindow: Duration.hours(1) }) }), /maxBatchingWindow/],
  ['a table without a stream', (stack) => ({ failoverEventSource: EventSource.dynamoDb(), checkpointTable: CheckpointTable.fromTable(table(stack)) }), /failoverEventSource: the given checkpoint table has no stream.*NEW_IMAGE.*fromTableAttributes/],
  ['no shards', () => ({ retryQueue: RetryQueue.dynamoDb({ shards: 0 }) }), /retryQueue: shards .* 1 to 100/],
  ['half a shard', () => ({ retryQueue: RetryQueue.dynamoDb({ shards: 1.5 }) }), /shards must be a whole number/],
  ['a short memory', (stack) => ({ lockTable: LockTable.fromTable(table(stack), { retention: Duration.days(14) }) }), /lockTable: retention must be whole days from 15 to 3650.*but is 14 days/],
  ['a memory of hours', (stack) => ({ checkpointTable: CheckpointTable.fromTable(table(stack), { retention: Duration.hours(400) }) }), /checkpointTable: retention must be whole days/],
  ['one table for all', (stack) => ({ lockTable: LockTable.fromTable(table(stack)), checkpointTable: CheckpointTable.fromTable(table(stack, 'T')) }), /lockTable and checkpointTable are one table/],
  ['a timeout that nothing can hold back', () => ({ machines: [MachineDefinition.fromObject(IMPATIENT)], retryQueue: RetryQueue.kinesis(), failoverRetryQueue: RetryQueue.sns() }), /retryQueue: it cannot hold anything back, but machine "order" has a timeout in the state "charging"\. Take RetryQueue\.sqs\(\)/],
  // Kinesis
  ['too large a batch of a stream', () => ({ eventSource: EventSource.kinesis({ batchSize: 10_001 }) }), /eventSource: batchSize .* 1 to 10000/],
  ['no shard', () => ({ failoverEventSource: EventSource.kinesis({ shardCount: 0 }) }), /failoverEventSource: shardCount must be a whole number from 1/],
  ['too much parallelism of a stream', () => ({ eventSource: EventSource.kinesis({ parallelizationFactor: 11 }) }), /parallelizationFactor .* 1 to 10 /],
  ['a window of an hour', () => ({ eventSource: EventSource.kinesis({ maxBatchingWindow: Duration.hours(1) }) }), /maxBatchingWindow/],
  ['too many retries of a batch of a stream', () => ({ eventSource: EventSource.kinesis({ retryAttempts: 10_001 }) }), /retryAttempts .* 0 to 10000/],
  ['records of eight days', () => ({ eventSource: EventSource.kinesis({ maxRecordAge: Duration.days(8), retentionPeriod: Duration.days(9) }) }), /maxRecordAge .* to 7 days \(the limit of Lambda\)/],
  ['records that are gone before they are given up', () => ({ eventSource: EventSource.kinesis({ maxRecordAge: Duration.days(2), retentionPeriod: Duration.days(1) }) }), /maxRecordAge is 2 days, but the stream keeps a record for 1 day only\. Raise its retentionPeriod/],
  ['a stream that keeps little', () => ({ eventSource: EventSource.kinesis({ retentionPeriod: Duration.hours(23) }) }), /retentionPeriod .* (24 hours|1 day) to 365 days \(the limit of Kinesis\)/],
  ['a stream that keeps records for half hours', () => ({ eventSource: EventSource.kinesis({ retentionPeriod: Duration.minutes(24 * 60 + 30) }) }), /retentionPeriod must be whole hours/],
  ['a new stream read from its end', () => ({ eventSource: EventSource.kinesis({ startingPosition: lambda.StartingPosition.LATEST }) }), /startingPosition is LATEST, but in a new stream.*Leave it out/],
  ['a stream read from a time on', (stack) => ({ eventSource: EventSource.kinesis({ stream: stream(stack), startingPosition: lambda.StartingPosition.AT_TIMESTAMP }) }), /startingPosition cannot be a time\. Take TRIM_HORIZON/],
  ['shards of a given stream', (stack) => ({ eventSource: EventSource.kinesis({ stream: stream(stack), shardCount: 2 }) }), /shardCount is a setting of the stream, and the stream is given/],
  ['the retention of a given stream', (stack) => ({ eventSource: EventSource.kinesis({ stream: stream(stack), retentionPeriod: Duration.days(2) }) }), /retentionPeriod is a setting of the stream/],
  ['a stream of another account', (stack) => ({ eventSource: EventSource.kinesis({ stream: stream(stack, 'S', STREAM.replace('123456789012', '210987654321')) }) }), /the given stream is in the account 210987654321, but the workflow in 123456789012/],
  ['a stream of another Region', (stack) => ({ eventSource: EventSource.kinesis({ stream: stream(stack, 'S', STREAM.replace('eu-west-1', 'us-east-1')) }) }), /the given stream is in the region us-east-1/],
  ['a stream that is to hold retries back', () => ({ retryQueue: RetryQueue.kinesis() }), /retryQueue: Kinesis cannot hold a retry back, but machine "order" asks for a backoff in "reserving", "charging", "done"\. Set "backoff".*RetryQueue\.sqs\(\).*ignoreBackoff: true/],
  ['a stream that is to hold the retries of one state back', () => ({ machines: [MachineDefinition.fromObject({ ...AT_ONCE, states: { ...ORDER.states, charging: { ...ORDER.states.charging, backoff: { baseSeconds: 1 } } } })], failoverRetryQueue: RetryQueue.kinesis() }), /failoverRetryQueue: Kinesis cannot hold a retry back, but machine "order" asks for a backoff in "charging"\./],
  // SNS
  ['a FIFO topic', (stack) => ({ eventSource: EventSource.sns({ topic: topic(stack, 'T', `${TOPIC}.fifo`) }) }), /eventSource: a FIFO topic delivers to queues only.*standard topic/],
  ['a FIFO topic of the stack', (stack) => ({ retryQueue: RetryQueue.sns({ ignoreBackoff: true, topic: new sns.Topic(stack, 'T', { fifo: true }) }) }), /retryQueue: a FIFO topic/],
  ['a topic of another Region', (stack) => ({ failoverEventSource: EventSource.sns({ topic: topic(stack, 'T', TOPIC.replace('eu-west-1', 'us-east-1')) }) }), /the given topic is in the region us-east-1/],
  ['a topic that is to hold retries back', () => ({ machines: [MachineDefinition.fromObject(ORDER), MachineDefinition.fromObject({ ...AT_ONCE, name: 'refund' })], retryQueue: RetryQueue.sns() }), /^(?![^]*"refund")[^]*retryQueue: SNS cannot hold a retry back, but machine "order"/],
  // Failover
  ['the same data stream twice', (stack) => ({ eventSource: EventSource.kinesis({ stream: stream(stack) }), failoverEventSource: EventSource.kinesis({ stream: stream(stack, 'S') }) }), /failoverEventSource is the same as eventSource/],
  ['the same topic twice', (stack) => ({ eventSource: EventSource.sns({ topic: topic(stack) }), failoverRetryQueue: RetryQueue.sns({ ignoreBackoff: true, topic: topic(stack, 'T') }) }), /failoverRetryQueue is the same as eventSource/],
  ['the same stream twice', () => ({ eventSource: EventSource.dynamoDb(), failoverEventSource: EventSource.dynamoDb() }), /failoverEventSource is the same as eventSource/],
  ['the same queue twice', (stack) => ({ eventSource: EventSource.sqs({ queue: queue(stack) }), failoverEventSource: EventSource.sqs({ queue: queue(stack, 'Q') }) }), /failoverEventSource is the same as eventSource/],
  ['the same object twice', () => { const source = EventSource.sqs(); return { eventSource: source, failoverEventSource: source }; }, /failoverEventSource is the same as eventSource/],
  ['the event source as retry queue', (stack) => ({ eventSource: EventSource.sqs({ queue: queue(stack) }), retryQueue: RetryQueue.sqs({ queue: queue(stack, 'Q') }) }), /retryQueue is the same as eventSource/],
  ['the same table twice', (stack) => ({ retryQueue: RetryQueue.dynamoDb({ table: table(stack) }), failoverRetryQueue: RetryQueue.dynamoDb({ table: table(stack, 'T') }) }), /failoverRetryQueue is the same as retryQueue/],
])('%s', (_, props, message) => {
  expect(refusal(props)).toMatch(message);
});

test.each<[string, (stack: Stack) => Partial<FsmWorkflowProps>]>([
  ['of machines that ask for no backoff', () => ({ machines: [MachineDefinition.fromObject(AT_ONCE)] })],
  ['of machines that ask for no retry', () => ({ machines: [MachineDefinition.fromObject({ ...ORDER, maxRetries: 0 })] })],
])('the retries %s can be had from what holds nothing back', (_, props) => {
  synthesize((stack) => ({ ...props(stack), retryQueue: RetryQueue.kinesis(), failoverRetryQueue: RetryQueue.sns() }));
});

test('whoever accepts retries at once, gets them', () => {
  const options = { ignoreBackoff: true };
  synthesize(() => ({ retryQueue: RetryQueue.sns(options), failoverRetryQueue: RetryQueue.kinesis(options) }));
});

test('all problems are told at once, with the workflow that has them', () => {
  const message = refusal(() => ({
    machines: [MachineDefinition.fromObject({}), MachineDefinition.fromYamlFile('nowhere.yaml')],
    actions: 'nowhere.ts',
    memorySize: 1,
    eventSource: EventSource.sqs({ batchSize: 0, maxConcurrency: 0 }),
    retryQueue: RetryQueue.dynamoDb({ shards: 1000 }),
  }));
  expect(message).toMatch(/^The workflow "Stack\/Orders" cannot be made: \d+ problems:\n/);
  for (const part of ['nowhere.yaml', 'nowhere.ts', 'memorySize', 'eventSource: batchSize', 'eventSource: maxConcurrency', 'retryQueue: shards']) {
    expect(message).toContain(part);
  }
});

test('nothing is made of a workflow that is refused', () => {
  const stack = newStack();
  expect(() => new LockTable(stack, 'Locks', { retention: Duration.days(1) })).toThrow(/LockTable "Stack\/Locks": one problem:\n {2}- retention/);
  expect(() => new CheckpointTable(stack, 'Journal', { retention: Duration.days(Lazy.number({ produce: () => 30 })) })).toThrow(/retention must be known at synth/);
  expect(stack.node.findAll().filter((construct) => construct instanceof dynamodb.Table)).toEqual([]);
});

test('what is known at deployment only is left to AWS', () => {
  const unknown = () => Lazy.number({ produce: () => 5 });
  synthesize(() => ({
    memorySize: unknown(),
    eventSource: EventSource.sqs({ batchSize: unknown(), maxConcurrency: unknown() }),
    failoverEventSource: EventSource.dynamoDb({ batchSize: unknown(), parallelizationFactor: unknown(), retryAttempts: unknown() }),
  }));
});
