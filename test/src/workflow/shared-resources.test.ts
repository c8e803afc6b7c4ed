import { App, Stack, Stage, aws_dynamodb as dynamodb, aws_sqs as sqs } from 'aws-cdk-lib';
import { ACTIONS, ENVIRONMENT, ORDER, OUTPUT } from '../../support/constructs';
import {
  CheckpointTable,
  EventSource,
  FsmWorkflow,
  LockTable,
  MachineDefinition,
  RetryQueue,
  type FsmWorkflowProps,
} from 'cdk-lambda-fsm';

type Props = (stack: Stack) => Partial<FsmWorkflowProps>;

/** Creates two workflows, in two stacks of one app, and returns the error of the second one. */
function second(first: Props, props: Props, environment: object = ENVIRONMENT): string {
  const app = new App({ outdir: OUTPUT });
  const add = (id: string, own: Props) => {
    const stack = new Stack(app, id, environment);
    return new FsmWorkflow(stack, 'Orders', {
      machines: [MachineDefinition.fromObject(ORDER)],
      actions: ACTIONS,
      ...own(stack),
    });
  };
  add('One', first);
  try {
    add('Two', props);
  } catch (error) {
    return String(error);
  }
  return '';
}

const journal = (stack: Stack) => ({
  checkpointTable: CheckpointTable.fromTable(
    dynamodb.Table.fromTableAttributes(stack, 'Journal', {
      tableName: 'journal',
      tableStreamArn: 'arn:aws:dynamodb:eu-west-1:123456789012:table/journal/stream/1',
    }),
  ),
});

test.each<[string, Props, Props]>([
  [
    'a checkpoint table that is an event source of both',
    (stack) => ({ ...journal(stack), eventSource: EventSource.dynamoDb() }),
    (stack) => ({ ...journal(stack), eventSource: EventSource.dynamoDb() }),
  ],
  [
    'a checkpoint table that is an event source of the first',
    (stack) => ({ ...journal(stack), failoverEventSource: EventSource.dynamoDb() }),
    journal,
  ],
  [
    'a checkpoint table that is an event source of the second',
    journal,
    (stack) => ({ ...journal(stack), eventSource: EventSource.dynamoDb() }),
  ],
  [
    'a retry table, imported by name and by ARN',
    (stack) => ({ retryQueue: RetryQueue.dynamoDb({ table: dynamodb.Table.fromTableName(stack, 'R', 'retries') }) }),
    (stack) => ({
      failoverRetryQueue: RetryQueue.dynamoDb({
        table: dynamodb.Table.fromTableArn(stack, 'R', 'arn:aws:dynamodb:eu-west-1:123456789012:table/retries'),
      }),
    }),
  ],
  [
    'an event source as retry queue',
    (stack) => ({
      eventSource: EventSource.sqs({
        queue: sqs.Queue.fromQueueArn(stack, 'Q', 'arn:aws:sqs:eu-west-1:123456789012:q'),
      }),
    }),
    (stack) => ({
      retryQueue: RetryQueue.sqs({ queue: sqs.Queue.fromQueueArn(stack, 'Q', 'arn:aws:sqs:eu-west-1:123456789012:q') }),
    }),
  ],
  [
    'an event source as dead-letter queue',
    (stack) => ({
      eventSource: EventSource.sqs({
        queue: sqs.Queue.fromQueueArn(stack, 'Q', 'arn:aws:sqs:eu-west-1:123456789012:q'),
      }),
    }),
    (stack) => ({ deadLetterQueue: sqs.Queue.fromQueueArn(stack, 'Q', 'arn:aws:sqs:eu-west-1:123456789012:q') }),
  ],
  ['a workflowName', () => ({ workflowName: 'orders' }), () => ({ workflowName: 'orders' })],
])('two workflows must not share %s', (_, first, props) => {
  const message = second(first, props);
  expect(message).toContain('Invalid workflow "Two/Orders"');
  expect(message).toContain('"One/Orders"');
});

test('two workflows may share tables and dead-letter queues', () => {
  const shared: Props = (stack) => ({
    ...journal(stack),
    lockTable: LockTable.fromTable(dynamodb.Table.fromTableName(stack, 'L', 'locks')),
    deadLetterQueue: sqs.Queue.fromQueueArn(stack, 'D', 'arn:aws:sqs:eu-west-1:123456789012:dead'),
  });
  expect(second(shared, shared)).toBe('');
});

test('stages whose accounts are unknown may contain workflows of the same name', () => {
  const app = new App({ outdir: OUTPUT });
  for (const id of ['Dev', 'Prod']) {
    const stack = new Stack(new Stage(app, id), 'Stack');
    const machines = [MachineDefinition.fromObject(ORDER)];
    expect(
      () => new FsmWorkflow(stack, 'Orders', { workflowName: 'orders', machines, actions: ACTIONS }),
    ).not.toThrow();
  }
});
