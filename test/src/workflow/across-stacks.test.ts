import {
  App,
  Duration,
  Stack,
  aws_events as events,
  aws_iam as iam,
  aws_lambda as lambda,
  aws_sns as sns,
  aws_sqs as sqs,
  aws_dynamodb as dynamodb,
} from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { NEW_APP_CONTEXT, OUTPUT, newWorkflow, permissions } from '../../support/constructs';
import { CheckpointTable, EventSource, FsmWorkflow, FsmWorkflowTarget, LockTable, RetryQueue } from 'cdk-lambda-fsm';

const HERE = { account: '123456789012', region: 'eu-west-1' };

function newApp(): App {
  return new App({ outdir: OUTPUT, context: NEW_APP_CONTEXT });
}

test('an SNS event source with a dead-letter queue in another stack', () => {
  const app = newApp();
  const queues = new Stack(app, 'Queues', { env: HERE });
  const stack = new Stack(app, 'Stack', { env: HERE });
  newWorkflow(stack, { eventSource: EventSource.sns(), deadLetterQueue: new sqs.Queue(queues, 'Dead') });
  Template.fromStack(queues).hasResourceProperties('AWS::SQS::QueuePolicy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({ Action: 'sqs:SendMessage', Condition: { ArnLike: { 'aws:SourceArn': Match.anyValue() } } }),
      ]),
    },
  });
});

test.each([{ account: '210987654321' }, { region: 'us-east-1' }])('an EventBridge rule in another %s', (elsewhere) => {
  const app = newApp();
  const workflow = newWorkflow(new Stack(app, 'Stack', { env: HERE }));
  const rules = new Stack(app, 'Rules', { env: { ...HERE, ...elsewhere } });
  const target = new FsmWorkflowTarget(workflow, { machine: 'order' });
  new events.Rule(rules, 'Rule', { eventPattern: { source: ['shop'] }, targets: [target] });
  expect(() => app.synth()).not.toThrow();
});

test('a function in another account receives the names of queues', () => {
  const app = newApp();
  const workflow = newWorkflow(new Stack(app, 'Stack', { env: HERE }));
  const stack = new Stack(app, 'Client', { env: { ...HERE, account: '210987654321' } });
  const role = new iam.Role(stack, 'Role', {
    assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
    roleName: 'client',
  });
  workflow.grantStart(role);
  expect(() => app.synth()).not.toThrow();
});

test('the configuration of clients names the Region', () => {
  const stack = new Stack(newApp(), 'Stack', { env: HERE });
  expect(JSON.stringify(stack.resolve(newWorkflow(stack).clientConfiguration))).toContain(
    '\\"region\\":\\"eu-west-1\\"',
  );
});

describe('a grant', () => {
  test('to a role of another account does nothing and warns', () => {
    const stack = new Stack(newApp(), 'Stack', { env: HERE });
    const workflow = newWorkflow(stack, { failoverEventSource: EventSource.sns() });
    const other = iam.Role.fromRoleArn(stack, 'Other', 'arn:aws:iam::210987654321:role/x');
    const grants = [
      workflow.grantStart(other),
      workflow.grantSend(other),
      workflow.grantDescribe(other),
      workflow.grantRedrive(other),
    ];
    expect(grants.map(({ success }) => success)).toEqual([false, false, false, false]);
    expect(JSON.stringify(Template.fromStack(stack))).not.toContain('210987654321');
    Annotations.fromStack(stack).hasWarning(
      '/Stack/Orders',
      Match.stringLikeRegexp('Account 210987654321 .*role of account 123456789012'),
    );
  });

  test('to a role that can be changed succeeds', () => {
    const stack = new Stack(newApp(), 'Stack', { env: HERE });
    const workflow = newWorkflow(stack);
    const role = new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    const grants = [
      workflow.grantStart(role),
      workflow.grantSend(role),
      workflow.grantResume(role),
      workflow.grantCancel(role),
    ];
    expect(grants.map(({ success }) => success)).toEqual([true, true, true, true]);
  });
});

describe('an imported workflow', () => {
  const arn = (service: string, name: string) => `arn:aws:${service}:${HERE.region}:${HERE.account}:${name}`;

  function imported(stack: Stack) {
    const queue = (name: string) => sqs.Queue.fromQueueArn(stack, name, arn('sqs', name));
    const table = (name: string) => dynamodb.Table.fromTableArn(stack, name, arn('dynamodb', `table/${name}`));
    return FsmWorkflow.fromAttributes(stack, 'Orders', {
      workflowName: 'orders',
      machineNames: ['order'],
      eventSource: EventSource.sqs({ queue: queue('events') }),
      failoverEventSource: EventSource.sns({ topic: sns.Topic.fromTopicArn(stack, 'topic', arn('sns', 'topic')) }),
      retryQueue: RetryQueue.dynamoDb({ table: table('retries') }),
      lockTable: LockTable.fromTable(table('locks'), { retention: Duration.days(20) }),
      checkpointTable: CheckpointTable.fromTable(table('checkpoints')),
      deadLetterQueue: queue('dead'),
    });
  }

  test('grants what its own workflow grants', () => {
    const stack = new Stack(newApp(), 'Client', { env: HERE });
    const workflow = imported(stack);
    const client = new lambda.Function(stack, 'Function', {
      runtime: lambda.Runtime.NODEJS_22_X,
      handler: 'index.handler',
      code: lambda.Code.fromInline('exports.handler = async () => {};'),
      environment: { FSM_WORKFLOW: workflow.clientConfiguration },
    });
    expect(workflow.grantSend(client).success).toBe(true);
    expect(permissions(Template.fromStack(stack), 'FunctionServiceRole')).toMatchObject({
      [arn('sqs', 'events')]: ['sqs:SendMessage'],
      [arn('sns', 'topic')]: ['sns:Publish'],
    });
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([Match.objectLike({ Action: ['dynamodb:GetItem', 'dynamodb:UpdateItem'] })]),
      },
    });
    const text = JSON.stringify(stack.resolve(workflow.clientConfiguration));
    for (const part of ['orders', 'order', 'locks', 'checkpoints', 'retries', 'eu-west-1']) {
      expect(text).toContain(part);
    }
    expect(workflow.metricFailed()).toMatchObject({ metricName: 'Fatal', dimensions: { workflow: 'orders' } });
  });

  test('is in the account and the Region of its tables', () => {
    const app = newApp();
    const elsewhere = new Stack(app, 'Elsewhere', { env: { ...HERE, region: 'us-east-1' } });
    expect(JSON.stringify(elsewhere.resolve(imported(elsewhere).clientConfiguration))).toContain(
      '\\"region\\":\\"eu-west-1\\"',
    );
    const foreign = new Stack(app, 'Foreign', { env: { ...HERE, account: '210987654321' } });
    const role = new iam.Role(foreign, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    expect(imported(foreign).grantStart(role).success).toBe(false);
  });

  test('requires existing resources', () => {
    const stack = new Stack(newApp(), 'Client', { env: HERE });
    const table = dynamodb.Table.fromTableName(stack, 'table', 'table');
    const attributes = {
      workflowName: 'orders',
      machineNames: ['order'],
      eventSource: EventSource.sqs(),
      retryQueue: RetryQueue.kinesis(),
      checkpointTable: CheckpointTable.fromTable(table),
      deadLetterQueue: sqs.Queue.fromQueueArn(stack, 'dead', arn('sqs', 'dead')),
    };
    expect(() => FsmWorkflow.fromAttributes(stack, 'Orders', attributes)).toThrow(
      /3 errors:\n.*eventSource has no existing resource.*\n.*retryQueue has no existing resource.*\n.*Either lockTable or lockCache/,
    );
  });
});
