import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { CfnOutput, Stack, aws_ec2 as ec2, aws_ecs as ecs, aws_iam as iam } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Construct } from 'constructs';
import { startedByStep } from '../../../lambda/aws/ecs/started-by';
import { readEcsTasks } from '../../../lambda/contract/ecs-tasks';
import { assetOf, newStack, newWorkflow, permissions, withoutHash } from '../../support/constructs';
import type { EcsTaskOptions } from 'cdk-lambda-fsm';

type Options = Partial<EcsTaskOptions>;

const IMAGE = () => ecs.ContainerImage.fromRegistry('public.ecr.aws/docker/library/busybox');

function fargate(stack: Stack): EcsTaskOptions {
  const cluster = new ecs.Cluster(stack, 'Cluster', { vpc: new ec2.Vpc(stack, 'Network', { maxAzs: 2 }) });
  const taskDefinition = new ecs.FargateTaskDefinition(stack, 'Charger');
  taskDefinition.addContainer('charger', {
    image: IMAGE(),
    logging: ecs.LogDriver.awsLogs({ streamPrefix: 'charger' }),
  });
  return { cluster, taskDefinition, onSuccess: 'charged', onFailure: 'charged' };
}

function add(options: (stack: Stack) => Options = () => ({}), name = 'charge') {
  const stack = newStack();
  const workflow = newWorkflow(stack);
  const action = workflow.addEcsTask(name, { ...fargate(stack), ...options(stack) });
  return { stack, workflow, action };
}

/** The task configuration of the function, with logical IDs in place of the names that AWS assigns. */
function tasks(stack: Stack) {
  const template = Template.fromStack(stack);
  const functions = Object.values(
    template.findResources('AWS::Lambda::Function', { Properties: { Handler: 'index.handler' } }),
  );
  const {
    'Fn::Join': [separator, parts],
  } = functions[0]!.Properties.Environment.Variables.FSM_ECS_TASKS;
  const nameOf = (part: { Ref?: string; 'Fn::GetAtt'?: [string, string] }) =>
    part['Fn::GetAtt']
      ? `${withoutHash(part['Fn::GetAtt'][0])}.${part['Fn::GetAtt'][1]}`
      : withoutHash(part.Ref ?? '?');
  return readEcsTasks(
    readFileSync(path.join(assetOf(stack), 'ecs-tasks.json'), 'utf8'),
    parts.map((part: string | object) => (typeof part === 'string' ? part : nameOf(part))).join(separator),
  );
}

test('a Fargate task in the private subnets, with a new security group', () => {
  expect(tasks(add().stack)).toEqual({
    charge: {
      cluster: 'Cluster.Arn',
      taskDefinition: 'Charger',
      container: 'charger',
      startedBy: 'Stack-Orders-Taskcharge-1B67FBDA',
      onSuccess: 'charged',
      onFailure: 'charged',
      launchType: 'FARGATE',
      network: {
        subnets: ['NetworkPrivateSubnet1Subnet', 'NetworkPrivateSubnet2Subnet'],
        securityGroups: ['OrdersTaskchargeSecurityGroup.GroupId'],
        assignPublicIp: false,
      },
    },
  });
});

test('all options', () => {
  const { stack, action } = add((scope) => ({
    capacityProviderStrategies: [{ capacityProvider: 'FARGATE_SPOT', weight: 2, base: 1 }],
    securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(scope, 'Group', 'sg-1')],
    assignPublicIp: true,
    containerName: 'charger',
    command: ['charge', '--all'],
    environment: { LEVEL: 'high' },
    context: ['sku'],
  }));
  expect(action.connections.securityGroups).toHaveLength(1);
  expect(tasks(stack).charge).toMatchObject({
    capacityProviders: [{ capacityProvider: 'FARGATE_SPOT', weight: 2, base: 1 }],
    network: {
      subnets: ['NetworkPublicSubnet1Subnet', 'NetworkPublicSubnet2Subnet'],
      securityGroups: ['sg-1'],
      assignPublicIp: true,
    },
    command: ['charge', '--all'],
    environment: { LEVEL: 'high' },
    context: ['sku'],
  });
  expect(tasks(stack).charge).not.toHaveProperty('launchType');
});

test.each([
  ['EC2', (stack: Stack) => new ecs.Ec2TaskDefinition(stack, 'Other')],
  ['EXTERNAL', (stack: Stack) => new ecs.ExternalTaskDefinition(stack, 'Other')],
])('a task with the launch type %s and no network configuration', (launchType, define) => {
  const { stack } = add((scope) => {
    const taskDefinition = define(scope);
    taskDefinition.addContainer('charger', { image: IMAGE(), memoryLimitMiB: 64 });
    return { taskDefinition };
  });
  const { charge } = tasks(stack);
  expect(charge).toMatchObject({ launchType });
  expect(charge).not.toHaveProperty('network');
});

test('the function may run the task, pass its roles, stop its own tasks, and send events to mailboxes', () => {
  const template = Template.fromStack(add().stack);
  const role = (id: string) => ({ 'Fn::GetAtt': [Match.stringLikeRegexp(`^${id}`), 'Arn'] });
  const cluster = { 'Fn::GetAtt': [Match.stringLikeRegexp('^Cluster'), 'Arn'] };
  const startedBy = 'Stack-Orders-Taskcharge-1B67FBDA';
  const tasksOfCluster = {
    'Fn::Join': [
      '',
      [
        'arn:',
        { Ref: 'AWS::Partition' },
        ':ecs:eu-west-1:123456789012:task/',
        { Ref: Match.stringLikeRegexp('^Cluster') },
        '/*',
      ],
    ],
  };
  template.hasResourceProperties('AWS::IAM::Policy', {
    PolicyName: Match.stringLikeRegexp('OrdersRole'),
    PolicyDocument: {
      Statement: Match.arrayWith([
        {
          Effect: 'Allow',
          Action: 'ecs:RunTask',
          Resource: { Ref: Match.stringLikeRegexp('^Charger') },
          Condition: { ArnEquals: { 'ecs:cluster': cluster } },
        },
        {
          Effect: 'Allow',
          Action: 'ecs:TagResource',
          Resource: tasksOfCluster,
          Condition: {
            StringEquals: {
              'ecs:CreateAction': 'RunTask',
              'aws:RequestTag/cdk-lambda-fsm:started-by': startedBy,
            },
          },
        },
        {
          Effect: 'Allow',
          Action: 'iam:PassRole',
          Resource: [role('ChargerExecutionRole'), role('ChargerTaskRole')],
          Condition: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
        },
        {
          Effect: 'Allow',
          Action: 'ecs:ListTasks',
          Resource: '*',
          Condition: { ArnEquals: { 'ecs:cluster': cluster } },
        },
        {
          Effect: 'Allow',
          Action: 'ecs:StopTask',
          Resource: tasksOfCluster,
          Condition: {
            ArnEquals: { 'ecs:cluster': cluster },
            StringEquals: { 'aws:ResourceTag/cdk-lambda-fsm:started-by': startedBy },
          },
        },
      ]),
    },
  });
  const statements = Object.entries(template.findResources('AWS::IAM::Policy'))
    .filter(([id]) => id.startsWith('OrdersRoleDefaultPolicy'))
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement);
  expect(statements.flatMap(({ Action }) => Action).filter((action: string) => /^(ecs|iam):/.test(action))).toEqual([
    'ecs:RunTask',
    'ecs:TagResource',
    'iam:PassRole',
    'ecs:ListTasks',
    'ecs:StopTask',
  ]);
  expect(statements.flatMap(({ Action }) => Action)).toContain('dynamodb:PutItem');
});

test('a stopped task invokes the function, and failed invocations are dead-lettered', () => {
  const template = Template.fromStack(add().stack);
  template.hasResourceProperties('AWS::Events::Rule', {
    EventPattern: {
      source: ['aws.ecs'],
      'detail-type': ['ECS Task State Change'],
      detail: {
        clusterArn: [{ 'Fn::GetAtt': [Match.stringLikeRegexp('^Cluster'), 'Arn'] }],
        startedBy: [{ prefix: 'Stack-Orders-Taskcharge-1B67FBDA/' }],
        lastStatus: ['STOPPED'],
      },
    },
    Targets: [{ Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^OrdersFunction'), 'Arn'] } }],
  });
  template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
    DestinationConfig: {
      OnFailure: { Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('^OrdersFailedInvocations'), 'Arn'] } },
    },
  });
});

test('startedBy has at most 128 characters, independent of the length of names', () => {
  const stack = newStack();
  const workflow = newWorkflow(new Construct(stack, 'x'.repeat(200)));
  workflow.addEcsTask('charge', fargate(stack));
  const { startedBy } = tasks(stack).charge!;
  expect(
    startedByStep({ startedBy }, { executionId: 'x'.repeat(128), incarnation: 'i'.repeat(36) }, 1_000_000),
  ).toMatch(/^[A-Za-z0-9/_-]{100,128}$/);
});

test.each([['before'], ['after']])('grantCancel %s addEcsTask includes grantStart', (when) => {
  const stack = newStack();
  const workflow = newWorkflow(stack);
  const user = new iam.User(stack, 'User');
  if (when === 'before') workflow.grantCancel(user);
  workflow.addEcsTask('charge', fargate(stack));
  if (when === 'after') workflow.grantCancel(user);
  new CfnOutput(stack, 'Client', { value: workflow.clientConfiguration });
  const template = Template.fromStack(stack);
  expect(permissions(template, 'UserDefaultPolicy')).toEqual({
    'OrdersLockTable.Arn': ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
    'OrdersCheckpointTable.Arn': [
      'dynamodb:BatchWriteItem',
      'dynamodb:GetItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
    ],
    'OrdersEventSourceSqsQueue.Arn': ['sqs:SendMessage'],
  });
  expect(JSON.stringify(template.findOutputs('Client'))).toContain('\\"ecsTasks\\":true');
});

test('without tasks, the configuration does not contain ecsTasks', () => {
  const stack = newStack();
  new CfnOutput(stack, 'Client', { value: newWorkflow(stack).clientConfiguration });
  expect(JSON.stringify(Template.fromStack(stack).findOutputs('Client'))).not.toContain('ecsTasks');
});

test('several tasks', () => {
  const { stack, workflow } = add();
  const taskDefinition = new ecs.FargateTaskDefinition(stack, 'Reserver');
  taskDefinition.addContainer('reserver', { image: IMAGE() });
  const cluster = ecs.Cluster.fromClusterAttributes(stack, 'Theirs', {
    clusterName: 'theirs',
    vpc: new ec2.Vpc(stack, 'Other'),
  });
  workflow.addEcsTask('reserve', { cluster, taskDefinition, onSuccess: 'reserved', onFailure: 'reserved' });
  const template = Template.fromStack(stack);
  expect(Object.keys(tasks(stack))).toEqual(['charge', 'reserve']);
  template.resourceCountIs('AWS::Lambda::EventInvokeConfig', 1);
  template.resourceCountIs('AWS::Events::Rule', 2);
});

test('reports all errors together', () => {
  const message = (options: (stack: Stack) => Options, name?: string) => {
    try {
      add(options, name);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    return 'no error';
  };
  expect(
    message((stack) => ({
      onSuccess: 'chargd',
      onFailure: 'broken',
      containerName: 'unknown',
      environment: { FSM_STEP: '7' },
      taskDefinition: new ecs.Ec2TaskDefinition(stack, 'Bridged'),
      assignPublicIp: true,
    })),
  ).toBe(`Invalid task "charge" of workflow "Stack/Orders": 5 errors:
  - Invalid onSuccess "chargd": machine "order", state "charging" handles only "charged". Use one of these events, or add a transition.
  - Invalid onFailure "broken": machine "order", state "charging" handles only "charged". Use one of these events, or add a transition.
  - Invalid environment variables "FSM_STEP": names that start with FSM_ are reserved for the workflow. Rename them.
  - Invalid containerName "unknown": the task definition has no such container. Use the name of a container that was added to it.
  - vpcSubnets, securityGroups and assignPublicIp require the network mode awsvpc. Set networkMode in the task definition, or omit these properties.`);
  expect(message((stack) => ({ taskDefinition: new ecs.FargateTaskDefinition(stack, 'Empty') }), 'chrge'))
    .toBe(`Invalid task "chrge" of workflow "Stack/Orders": 2 errors:
  - No state has the "do" action "chrge". Use the name of a "do" action, or add the action to a state.
  - The taskDefinition has no essential container. Add its containers before you add the task to the workflow.`);
});

test('the function may pass an execution role that is created later', () => {
  const stack = newStack();
  const taskDefinition = new ecs.FargateTaskDefinition(stack, 'Late');
  taskDefinition.addContainer('charger', { image: IMAGE() });
  newWorkflow(stack).addEcsTask('charge', { ...fargate(stack), taskDefinition });
  taskDefinition.addContainer('logger', { image: IMAGE(), logging: ecs.LogDriver.awsLogs({ streamPrefix: 'late' }) });
  const statements = Object.values(Template.fromStack(stack).findResources('AWS::IAM::Policy')).flatMap(
    ({ Properties }) => Properties.PolicyDocument.Statement,
  );
  const [passed] = statements.filter(({ Action }) => Action === 'iam:PassRole');
  expect(JSON.stringify(passed.Resource)).toContain('LateExecutionRole');
});

test('rejects a cluster in another Region', () => {
  const stack = newStack();
  const cluster = ecs.Cluster.fromClusterAttributes(stack, 'Theirs', {
    clusterName: 'theirs',
    clusterArn: 'arn:aws:ecs:us-east-1:123456789012:cluster/theirs',
    vpc: new ec2.Vpc(stack, 'V', { maxAzs: 2 }),
  });
  expect(() => newWorkflow(stack).addEcsTask('charge', { ...fargate(stack), cluster })).toThrow(
    "The existing cluster is in Region us-east-1, but the workflow is in Region eu-west-1. Use a cluster in the workflow's account and Region.",
  );
});

test('rejects a second task for an action', () => {
  const stack = newStack();
  const workflow = newWorkflow(stack);
  const options = fargate(stack);
  workflow.addEcsTask('charge', options);
  expect(() => workflow.addEcsTask('charge', options)).toThrow('The action "charge" already has a task.');
});
