import {
  App,
  Stack,
  aws_ecs as ecs,
  aws_kinesis as kinesis,
  aws_kms as kms,
  aws_sns as sns,
  aws_sqs as sqs,
} from 'aws-cdk-lib';
import { ENVIRONMENT, newWorkflow, ORDER, OUTPUT } from '../support/constructs';
import { publicInputs } from '../support/public-inputs';
import {
  CacheAuthentication,
  CheckpointTable,
  EventSource,
  FsmWorkflow,
  FsmWorkflowTarget,
  LockCache,
  LockTable,
  MachineDefinition,
  RetryQueue,
} from 'cdk-lambda-fsm';

/* JavaScript callers can pass any value as any property. Each value of another type has an error that says where, what and what is expected. */

/** Options as JavaScript passes them. */
type Untyped = never;

/** How the options of each public interface reach a construct. */
const USES: Readonly<Record<string, (stack: Stack, options: Untyped) => unknown>> = {
  FsmWorkflowProps: (stack, options) => newWorkflow(stack, options),
  WorkflowFunctionOptions: (stack, options) => newWorkflow(stack, options),
  FsmWorkflowAttributes: (stack, options) => FsmWorkflow.fromAttributes(stack, 'Orders', options),
  SqsOptions: (stack, options) => newWorkflow(stack, { eventSource: EventSource.sqs(options) }),
  SqsEventSourceOptions: (stack, options) => newWorkflow(stack, { eventSource: EventSource.sqs(options) }),
  SqsRetryQueueOptions: (stack, options) => newWorkflow(stack, { retryQueue: RetryQueue.sqs(options) }),
  KinesisOptions: (stack, options) => newWorkflow(stack, { failoverEventSource: EventSource.kinesis(options) }),
  KinesisEventSourceOptions: (stack, options) => newWorkflow(stack, { eventSource: EventSource.kinesis(options) }),
  KinesisRetryQueueOptions: (stack, options) => newWorkflow(stack, { retryQueue: RetryQueue.kinesis(options) }),
  StreamOptions: (stack, options) => newWorkflow(stack, { previousEventSources: [EventSource.kinesis(options)] }),
  SnsOptions: (stack, options) => newWorkflow(stack, { failoverEventSource: EventSource.sns(options) }),
  SnsEventSourceOptions: (stack, options) => newWorkflow(stack, { eventSource: EventSource.sns(options) }),
  SnsRetryQueueOptions: (stack, options) => newWorkflow(stack, { retryQueue: RetryQueue.sns(options) }),
  DynamoDbEventSourceOptions: (stack, options) => newWorkflow(stack, { eventSource: EventSource.dynamoDb(options) }),
  DynamoDbRetryQueueOptions: (stack, options) => newWorkflow(stack, { retryQueue: RetryQueue.dynamoDb(options) }),
  MachineDefinitionOptions: (stack, options) =>
    newWorkflow(stack, { machines: [MachineDefinition.fromObject(ORDER, options)] }),
  WorkflowTableProps: (stack, options) => new LockTable(stack, 'Orders', options),
  LockCacheProps: (stack, options) => new LockCache(stack, 'Orders', options),
  LockCacheAttributes: (stack, options) => LockCache.fromCacheAttributes(stack, 'Orders', options),
  CachePasswordAuthenticationOptions: (stack, options) =>
    LockCache.fromCacheAttributes(stack, 'Orders', {
      endpoint: 'cache:6379',
      securityGroups: [],
      authentication: CacheAuthentication.password(options),
    }),
  ImportedTableOptions: (stack, options) =>
    newWorkflow(stack, { checkpointTable: CheckpointTable.fromTable(new LockTable(stack, 'T').table, options) }),
  WorkflowAlarmsOptions: (stack, options) => newWorkflow(stack).addAlarms(options),
  WorkflowDashboardOptions: (stack, options) => newWorkflow(stack).addDashboard(options),
  EcsTaskOptions: (stack, options) => newWorkflow(stack).addEcsTask('charge', options),
  FsmWorkflowTargetOptions: (stack, options) =>
    new FsmWorkflowTarget(newWorkflow(stack), Object.assign({ machine: 'order' }, options)),
};

/** Interfaces that constructs return. */
const RETURNED = ['BrokerResource', 'WorkflowAlarms'];

const WRONG: readonly unknown[] = ['arn:aws:none:eu-west-1:123456789012:x', 42, null, () => 'x', ['x']];

const INPUTS = publicInputs();

test('each public interface with objects is tested', () => {
  expect([...INPUTS.keys()].sort()).toEqual([...Object.keys(USES), ...RETURNED].sort());
});

/** Bundling takes most of the time of a synthesis, and no test here needs it. */
function withoutBundling(): Stack {
  return new Stack(new App({ outdir: OUTPUT, context: { 'aws:cdk:bundling-stacks': [] } }), 'Stack', ENVIRONMENT);
}

function messageOf(use: (stack: Stack) => unknown): string {
  try {
    use(withoutBundling());
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
  return 'accepted';
}

const CASES = [...INPUTS]
  .filter(([name]) => !RETURNED.includes(name))
  .flatMap(([name, properties]) => properties.map((property) => [name, property] as const));

test.each(CASES)('%s.%s of another type', (name, property) => {
  for (const value of WRONG) {
    const message = messageOf((stack) => USES[name]?.(stack, { [property]: value } as Untyped));
    const given = typeof value === 'string' ? '"arn:aws:none' : '';
    expect(message).toMatch(/^Error: Invalid [\w "]+ "Stack\/[^"]*": \d+ errors?:\n/);
    expect(message).toMatch(
      new RegExp(`\\b(Invalid (\\w+\\.)?${property}(\\[0\\])? ?${given}.*: expected|${property} is not supported: )`),
    );
  }
});

test.each([...INPUTS].filter(([name]) => !RETURNED.includes(name)))(
  'all wrong types of %s are reported together',
  (name, properties) => {
    const options = Object.fromEntries(properties.map((property) => [property, 'x']));
    const message = messageOf((stack) => USES[name]?.(stack, options as Untyped));
    const missing = properties.filter(
      (property) => !new RegExp(`(Invalid (\\w+\\.)?${property} "x"|${property} is not supported)`).test(message),
    );
    expect(missing).toEqual([]);
  },
);

test.each<[string, (workflow: FsmWorkflow) => unknown]>([
  ['a grantee', (workflow) => workflow.grantStart('arn:aws:iam::123456789012:role/x' as Untyped)],
  ['a missing grantee', (workflow) => workflow.grantDescribe(undefined as Untyped)],
  ['a workflow of a target', () => new FsmWorkflowTarget('orders' as Untyped, { machine: 'order' })],
  ['no task options', (workflow) => workflow.addEcsTask('charge', undefined as Untyped)],
  ['no properties', (workflow) => new LockCache(workflow, 'Cache', undefined as Untyped)],
])('%s', (_, use) => {
  expect(messageOf((stack) => use(newWorkflow(stack)))).toMatch(
    /^Error: Invalid .*: \d+ errors?:\n(.|\n)*(expected|required)/,
  );
});

test('tables of another type are reported with their place', () => {
  const message = messageOf((stack) =>
    newWorkflow(stack, {
      lockTable: LockTable.fromTable('locks' as Untyped),
      checkpointTable: CheckpointTable.fromTable(new sqs.Queue(stack, 'Q') as Untyped),
    }),
  );
  expect(message).toMatch(/Invalid lockTable\.table "locks": expected a Table/);
  expect(message).toMatch(/Invalid checkpointTable\.table \(Queue "Stack\/Q"\): expected a Table/);
});

test.each<[string, string, (stack: Stack) => Parameters<typeof newWorkflow>[1]]>([
  [
    'a FIFO queue of another Region',
    'us-east-1',
    (other) => ({ eventSource: EventSource.sqs({ queue: new sqs.Queue(other, 'R', { fifo: true }) }) }),
  ],
  [
    'a stream of another Region',
    'us-east-1',
    (other) => ({ eventSource: EventSource.kinesis({ stream: new kinesis.Stream(other, 'R') }) }),
  ],
  [
    'a topic of another Region',
    'us-east-1',
    (other) => ({ eventSource: EventSource.sns({ topic: new sns.Topic(other, 'R') }) }),
  ],
  ['a key of another Region', 'us-east-1', (other) => ({ encryptionKey: new kms.Key(other, 'R') })],
])('%s', (_, region, props) => {
  const app = new App();
  const other = new Stack(app, 'Other', { env: { ...ENVIRONMENT.env, region } });
  expect(() => newWorkflow(new Stack(app, 'Stack', ENVIRONMENT), props(other))).toThrow(
    /^Invalid workflow "Stack\/Orders"(.|\n)*The existing \w+ is in Region us-east-1/,
  );
});

test.each<[string, (stack: Stack) => Parameters<typeof newWorkflow>[1]]>([
  ['queue', (other) => ({ eventSource: EventSource.sqs({ queue: new sqs.Queue(other, 'R', { fifo: true }) }) })],
  ['topic', (other) => ({ eventSource: EventSource.sns({ topic: new sns.Topic(other, 'R') }) })],
])('a %s of another account without a name', (kind, props) => {
  const app = new App();
  const other = new Stack(app, 'Other', { env: { ...ENVIRONMENT.env, account: '210987654321' } });
  expect(() => newWorkflow(new Stack(app, 'Stack', ENVIRONMENT), props(other))).toThrow(
    new RegExp(`^Invalid workflow "Stack/Orders"(.|\\n)*${kind} "Other/R" belongs to a stack of another account`),
  );
});

test('a cluster of another account', () => {
  const app = new App();
  const other = new Stack(app, 'Other', { env: { ...ENVIRONMENT.env, account: '210987654321' } });
  const workflow = newWorkflow(new Stack(app, 'Stack', ENVIRONMENT));
  expect(() =>
    workflow.addEcsTask('charge', {
      cluster: new ecs.Cluster(other, 'R'),
      taskDefinition: new ecs.FargateTaskDefinition(workflow, 'Task'),
      onSuccess: 'charged',
      onFailure: 'charged',
    }),
  ).toThrow(
    /^Invalid task "charge" of workflow "Stack\/Orders"(.|\n)*cluster "Other\/R" belongs to a stack of another/,
  );
});
