import {
  App,
  CfnParameter,
  Duration,
  Stack,
  aws_dynamodb as dynamodb,
  aws_ec2 as ec2,
  aws_ecs as ecs,
  aws_kinesis as kinesis,
  aws_kms as kms,
  aws_sns as sns,
  aws_sqs as sqs,
} from 'aws-cdk-lib';
import {
  ENVIRONMENT,
  existingQueue,
  NEW_APP_CONTEXT,
  newStack,
  newWorkflow,
  ORDER,
  OUTPUT,
  refusal,
} from '../../support/constructs';
import {
  EventSource,
  FsmWorkflow,
  LockTable,
  MachineDefinition,
  RetryQueue,
  type FsmWorkflowAttributes,
  type FsmWorkflowProps,
} from 'cdk-lambda-fsm';

/* Mistakes that a newcomer makes, and that the compiler does not report, at least in JavaScript. Each has an error that says how to fix it. */

/** A value as JavaScript passes it. */
function untyped(props: Record<string, unknown>): Partial<FsmWorkflowProps> {
  return props as Partial<FsmWorkflowProps>;
}

const account = (service: string, name: string) => `arn:aws:${service}:eu-west-1:123456789012:${name}`;

test.each<[string, (stack: Stack) => Partial<FsmWorkflowProps>, RegExp]>([
  [
    'a machine without its definition',
    () => untyped({ machines: [ORDER] }),
    /Invalid machines\[0\] \(an object\): .*fromObject\(order\)/,
  ],
  [
    'one machine',
    () => untyped({ machines: MachineDefinition.fromObject(ORDER) }),
    /Invalid machines \(MachineDefinition\): expected a list/,
  ],
  ['no machines', () => untyped({ machines: undefined }), /machines is required\. Set machines/],
  [
    'actions as an object',
    () => untyped({ actions: { reserve: () => 'reserved' } }),
    /Invalid actions \(an object\): .*path of a file/,
  ],
  [
    'a queue as the event source',
    (stack) => untyped({ eventSource: new sqs.Queue(stack, 'Queue') }),
    /Invalid eventSource \(Queue "Stack\/Queue"\): .*EventSource\.sqs\(\{ queue \}\)/,
  ],
  [
    'an event source as the retry queue, and a retry queue as the event source',
    () => untyped({ retryQueue: EventSource.sqs(), eventSource: RetryQueue.sqs() }),
    /2 errors:\n.*Invalid eventSource \(RetryQueue\): expected an EventSource.*\n.*Invalid retryQueue \(EventSource\): expected a RetryQueue/,
  ],
  ['one previous event source', () => untyped({ previousEventSources: EventSource.sqs() }), /expected a list of event/],
  [
    'a table as the lock table',
    (stack) => untyped({ lockTable: dynamodb.Table.fromTableName(stack, 'Table', 'locks') }),
    /Invalid lockTable \(\w+ "Stack\/Table"\): .*LockTable\.fromTable\(table\)/,
  ],
  ['an ARN as the dead-letter queue', () => untyped({ deadLetterQueue: account('sqs', 'x') }), /Queue\.fromQueueArn/],
  [
    'ARNs as the resources of brokers',
    () => ({
      eventSource: EventSource.sqs({ queue: account('sqs', 'x') as unknown as sqs.IQueue }),
      failoverEventSource: EventSource.kinesis({ stream: account('kinesis', 'x') as unknown as kinesis.IStream }),
      retryQueue: RetryQueue.dynamoDb({ table: 'retries' as unknown as dynamodb.ITable }),
      failoverRetryQueue: RetryQueue.sns({ topic: account('sns', 'x') as unknown as sns.ITopic, ignoreBackoff: true }),
      lockTable: LockTable.fromTable('locks' as unknown as dynamodb.ITable),
    }),
    /5 errors:\n.*expected a Table, .*\n.*Invalid queue "arn:aws:sqs.*Queue\.fromQueueArn(.|\n)*Invalid stream(.|\n)*Invalid table "retries"(.|\n)*Invalid topic/,
  ],
  ['a number as the timeout', () => untyped({ timeout: 30 }), /Invalid timeout 30: expected a Duration/],
  [
    'a number as a batching window',
    () => ({ eventSource: EventSource.sqs({ maxBatchingWindow: 5 as unknown as Duration }) }),
    /eventSource: Invalid maxBatchingWindow 5: expected a Duration/,
  ],
  [
    'a number as a retention',
    (stack) => ({ lockTable: new LockTable(stack, 'Locks', { retention: 20 as unknown as Duration }) }),
    /Invalid retention 20: expected a Duration, for example Duration\.days\(30\)/,
  ],
  [
    'an age that is a parameter',
    (stack) => {
      const seconds = new CfnParameter(stack, 'Seconds', { type: 'Number' }).valueAsNumber;
      return { eventSource: EventSource.kinesis({ maxRecordAge: Duration.seconds(seconds) }) };
    },
    /eventSource: maxRecordAge must be known at synthesis/,
  ],
  [
    'a queue with the ARN of a topic',
    (stack) => ({ eventSource: EventSource.sqs({ queue: sqs.Queue.fromQueueArn(stack, 'q', account('sns', 'x')) }) }),
    /eventSource: The existing queue has the ARN arn:aws:sns:.*: expected arn:aws:sqs:/,
  ],
  [
    'a topic with the ARN of a queue, and a dead-letter queue with the ARN of a topic',
    (stack) => ({
      eventSource: EventSource.sns({ topic: sns.Topic.fromTopicArn(stack, 't', account('sqs', 'x')) }),
      deadLetterQueue: sqs.Queue.fromQueueArn(stack, 'd', account('sns', 'y')),
    }),
    /existing topic has the ARN .*expected arn:aws:sns:.*\n.*deadLetterQueue: The existing queue has the ARN/,
  ],
  [
    'a stream with the ARN of a delivery stream',
    (stack) => ({
      eventSource: EventSource.kinesis({
        stream: kinesis.Stream.fromStreamArn(stack, 's', account('firehose', 'deliverystream/x')),
      }),
    }),
    /existing stream has the ARN .*expected arn:aws:kinesis:/,
  ],
  [
    'queues for small messages',
    (stack) => ({
      eventSource: EventSource.sqs({ queue: existingQueue(stack, 'Events', { maxMessageSizeBytes: 262_144 }) }),
      retryQueue: RetryQueue.sqs({ queue: existingQueue(stack, 'Retries', { maxMessageSizeBytes: 1_024 }) }),
      deadLetterQueue: existingQueue(stack, 'Dead', { maxMessageSizeBytes: 2_048 }),
    }),
    /eventSource: .*at most 262144 bytes.*\n.*retryQueue: .*1024 bytes.*\n.*deadLetterQueue: .*2048 bytes.*set it to 1048576/,
  ],
  [
    'a key of another Region',
    (stack) => ({ encryptionKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:us-east-1:123456789012:key/x') }),
    /encryptionKey: The existing key is in Region us-east-1/,
  ],
  [
    'an alias as the key',
    (stack) => ({ encryptionKey: kms.Alias.fromAliasName(stack, 'Key', 'alias/orders') }),
    /encryptionKey: The key is an alias.*Key\.fromLookup/,
  ],
])('%s', (_, props, message) => {
  expect(refusal(props)).toMatch(message);
});

test('the configuration of another workflow does not replace that of the function', () => {
  const app = new App({ outdir: OUTPUT, context: NEW_APP_CONTEXT });
  const payments = newWorkflow(new Stack(app, 'Payments', ENVIRONMENT));
  const orders = newWorkflow(new Stack(app, 'Orders', ENVIRONMENT));
  orders.function.addEnvironment('PAYMENTS', payments.clientConfiguration);
  expect(orders.node.validate()).toEqual([]);
  orders.function.addEnvironment('FSM_WORKFLOW', payments.clientConfiguration);
  expect(orders.node.validate()).toEqual([
    expect.stringMatching(/FSM_WORKFLOW of the function .* was replaced\. .*addEnvironment\('PAYMENTS'/),
  ]);
});

test('attributes of an imported workflow that are missing or of another type', () => {
  const stack = newStack();
  const attributes = {
    machineNames: 'order',
    eventSource: sqs.Queue.fromQueueArn(stack, 'Events', account('sqs', 'events')),
    retryQueue: RetryQueue.sqs(),
    checkpointTable: dynamodb.Table.fromTableName(stack, 'Table', 'checkpoints'),
  };
  expect(() => FsmWorkflow.fromAttributes(stack, 'Orders', attributes as unknown as FsmWorkflowAttributes)).toThrow(
    /^Invalid attributes of workflow "Stack\/Orders": 6 errors:\n.*workflowName is required.*\n.*Invalid machineNames "order".*\n.*Invalid eventSource.*\n.*Invalid checkpointTable.*\n.*deadLetterQueue is required.*\n.*Either lockTable or lockCache is required/,
  );
});

test('a task in a VPC without private subnets', () => {
  const stack = newStack();
  const workflow = newWorkflow(stack);
  const subnetConfiguration = [{ name: 'public', subnetType: ec2.SubnetType.PUBLIC }];
  const vpc = new ec2.Vpc(stack, 'Vpc', { natGateways: 0, subnetConfiguration });
  const taskDefinition = new ecs.FargateTaskDefinition(stack, 'Task');
  taskDefinition.addContainer('charger', { image: ecs.ContainerImage.fromRegistry('busybox') });
  const options = {
    cluster: new ecs.Cluster(stack, 'Cluster', { vpc }),
    taskDefinition,
    onSuccess: 'charged',
    onFailure: 'charged',
  };
  expect(() => workflow.addEcsTask('charge', options)).toThrow(/cannot pull its image\. Set assignPublicIp to true/);
  expect(() => workflow.addEcsTask('charge', { ...options, assignPublicIp: true })).not.toThrow();
});

test('alarms with durations that are parameters', () => {
  const stack = newStack();
  const minutes = Duration.minutes(new CfnParameter(stack, 'Minutes', { type: 'Number' }).valueAsNumber);
  expect(() => newWorkflow(stack).addAlarms({ failoverDuration: minutes, retryAge: minutes })).toThrow(
    /2 errors:\n.*retryAge must be known at synthesis.*\n.*failoverDuration must be known at synthesis/,
  );
});
