import {
  App,
  Duration,
  Fn,
  Stack,
  aws_dynamodb as dynamodb,
  aws_ec2 as ec2,
  aws_ecs as ecs,
  aws_events as events,
  aws_iam as iam,
  aws_lambda as lambda,
} from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { Construct } from 'constructs';
import { ENVIRONMENT, ORDER, OUTPUT, newStack, newWorkflow, refusal } from '../../support/constructs';
import {
  CheckpointTable,
  EventSource,
  FsmWorkflow,
  FsmWorkflowTarget,
  LockCache,
  MachineDefinition,
} from 'cdk-lambda-fsm';

/** The least number of bytes of the environment of the workflow's function. */
function environmentBytes(stack: Stack): number {
  const functions = Template.fromStack(stack).findResources('AWS::Lambda::Function', {
    Properties: { Handler: 'index.handler' },
  });
  return JSON.stringify(Object.values(functions)[0]!.Properties.Environment.Variables).length;
}

describe('the environment of the function', () => {
  test('has room for 60 machines with long names', () => {
    const stack = newStack();
    const machines = Array.from({ length: 60 }, (_, n) =>
      MachineDefinition.fromObject({ ...ORDER, name: `${'m'.repeat(80)}${n}` }, { maxRunningExecutions: 5 }),
    );
    const workflow = newWorkflow(stack, { machines });
    expect(environmentBytes(stack)).toBeLessThan(4096);
    expect(JSON.stringify(stack.resolve(workflow.clientConfiguration)).length).toBeLessThan(3000);
  });

  test('has room for 10 tasks with commands and variables', () => {
    const stack = newStack();
    const states = Object.fromEntries(
      Array.from({ length: 10 }, (_, n) => [
        `s${n}`,
        { do: `work${n}`, on: { ok: n === 9 ? 'end' : `s${n + 1}`, bad: 'end' } },
      ]),
    );
    const machine = { name: 'm', initial: 's0', states: { ...states, end: { final: true } } };
    const workflow = newWorkflow(stack, { machines: [MachineDefinition.fromObject(machine)] });
    const cluster = new ecs.Cluster(stack, 'Cluster', { vpc: new ec2.Vpc(stack, 'Network', { maxAzs: 2 }) });
    for (let n = 0; n < 10; n += 1) {
      const taskDefinition = new ecs.FargateTaskDefinition(stack, `Task${n}`);
      taskDefinition.addContainer('main', { image: ecs.ContainerImage.fromRegistry('busybox') });
      const environment = { TEXT: 'x'.repeat(300) };
      workflow.addEcsTask(`work${n}`, {
        cluster,
        taskDefinition,
        onSuccess: 'ok',
        onFailure: 'bad',
        command: ['run', 'x'.repeat(300)],
        environment,
      });
    }
    expect(environmentBytes(stack)).toBeLessThan(4096);
  });

  test('is rejected with its sizes if it is too large', () => {
    const stack = newStack();
    newWorkflow(stack, { environment: { LARGE: 'x'.repeat(4000) } });
    expect(() => Template.fromStack(stack)).toThrow(/at least \d+ bytes; expected at most 4096 bytes .* LARGE: 4005/);
  });
});

describe('the description', () => {
  test('of a workflow with a long name is shortened', () => {
    const stack = newStack();
    newWorkflow(stack, { workflowName: 'x'.repeat(255) });
    Template.fromStack(stack).hasResourceProperties('AWS::Lambda::Function', {
      Description: Match.stringLikeRegexp('^Runs the transitions of workflow x{200,224}$'),
    });
  });

  test('is rejected if it is too long', () => {
    expect(refusal(() => ({ description: 'x'.repeat(257) }))).toContain('Invalid description of 257 characters');
  });
});

test('options of the function that a workflow cannot support are rejected', () => {
  const message = refusal(() => ({
    runtime: lambda.Runtime.PYTHON_3_12,
    recursiveLoop: lambda.RecursiveLoop.TERMINATE,
    deadLetterQueueEnabled: true,
    environment: { FSM_ECS_TASKS: '[]' },
  }));
  for (const part of [
    'Invalid runtime python3.12',
    'recursiveLoop is not',
    'deadLetterQueueEnabled is not',
    '"FSM_ECS_TASKS"',
  ]) {
    expect(message).toContain(part);
  }
});

test('options of the function are passed on', () => {
  const stack = newStack();
  const role = new iam.Role(stack, 'Own', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
  const layer = lambda.LayerVersion.fromLayerVersionArn(stack, 'L', 'arn:aws:lambda:eu-west-1:123456789012:layer:l:1');
  newWorkflow(stack, {
    role,
    layers: [layer],
    functionName: 'orders',
    runtime: lambda.Runtime.NODEJS_22_X,
    description: 'Mine',
  });
  Template.fromStack(stack).hasResourceProperties('AWS::Lambda::Function', {
    FunctionName: 'orders',
    Runtime: 'nodejs22.x',
    Description: 'Mine',
    Layers: ['arn:aws:lambda:eu-west-1:123456789012:layer:l:1'],
    Role: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Own'), 'Arn'] },
  });
});

describe('asynchronous invocations', () => {
  const started = (configure: (workflow: FsmWorkflow) => void) => {
    const stack = newStack();
    const workflow = newWorkflow(stack);
    configure(workflow);
    new events.Rule(stack, 'Rule', {
      schedule: events.Schedule.rate(Duration.days(1)),
      targets: [new FsmWorkflowTarget(workflow, { machine: 'order' })],
    });
    return { stack, workflow };
  };

  test('are dead-lettered although they were configured before a target was added', () => {
    const { stack } = started((workflow) => workflow.function.configureAsyncInvoke({ retryAttempts: 1 }));
    Template.fromStack(stack).hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumRetryAttempts: 1,
      DestinationConfig: { OnFailure: { Destination: Match.anyValue() } },
    });
  });

  test('can be configured after a target was added', () => {
    const { stack, workflow } = started(() => undefined);
    workflow.function.configureAsyncInvoke({ maxEventAge: Duration.hours(1) });
    Template.fromStack(stack).hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumEventAgeInSeconds: 3600,
      DestinationConfig: { OnFailure: { Destination: Match.anyValue() } },
    });
  });
});

test('a workflow can have two sets of alarms, and two dashboards', () => {
  const stack = newStack();
  const workflow = newWorkflow(stack);
  workflow.addAlarms();
  const { failed } = workflow.addAlarms({ failed: 10 });
  workflow.addDashboard();
  workflow.addDashboard();
  expect(failed.node.path).toBe('Stack/Orders/Alarms2/Failed');
  Template.fromStack(stack).resourceCountIs('AWS::CloudWatch::Dashboard', 2);
});

describe('imported task definitions and clusters', () => {
  function addTask(
    options: (stack: Stack) => { taskDefinition: ecs.ITaskDefinition; cluster: ecs.ICluster; containerName?: string },
  ) {
    const stack = newStack();
    newWorkflow(stack).addEcsTask('charge', { onSuccess: 'charged', onFailure: 'charged', ...options(stack) });
    return stack;
  }
  const ARN = 'arn:aws:ecs:eu-west-1:123456789012';
  const vpc = (stack: Stack) => new ec2.Vpc(stack, 'Network', { maxAzs: 2 });

  test('work if they are complete', () => {
    const stack = addTask((scope) => ({
      cluster: ecs.Cluster.fromClusterAttributes(scope, 'Cluster', { clusterName: 'c', vpc: vpc(scope) }),
      taskDefinition: ecs.FargateTaskDefinition.fromFargateTaskDefinitionAttributes(scope, 'Task', {
        taskDefinitionArn: `${ARN}:task-definition/t:1`,
        networkMode: ecs.NetworkMode.AWS_VPC,
        taskRole: iam.Role.fromRoleName(scope, 'Role', 'task'),
      }),
      containerName: 'main',
    }));
    expect(environmentBytes(stack)).toBeLessThan(4096);
  });

  test('are rejected with all that is missing', () => {
    const add = () =>
      addTask((scope) => ({
        cluster: ecs.Cluster.fromClusterArn(scope, 'Cluster', `${ARN}:cluster/c`),
        taskDefinition: ecs.FargateTaskDefinition.fromFargateTaskDefinitionArn(
          scope,
          'Task',
          `${ARN}:task-definition/t:1`,
        ),
      }));
    expect(add).toThrow(/Set containerName[^]*without its networkMode[^]*without its taskRole/);
  });
});

describe('the checkpoint table of an event source', () => {
  const props = (table: dynamodb.ITable) => ({
    eventSource: EventSource.dynamoDb(),
    checkpointTable: CheckpointTable.fromTable(table),
  });
  const key = {
    partitionKey: { name: 'executionId', type: dynamodb.AttributeType.STRING },
    sortKey: { name: 'entry', type: dynamodb.AttributeType.STRING },
    timeToLiveAttribute: 'ttl',
  };
  const TABLE = 'arn:aws:dynamodb:eu-west-1:123456789012:table/t';

  test('must have a stream, as a TableV2', () => {
    expect(refusal((stack) => props(new dynamodb.TableV2(stack, 'T', key)))).toMatch(
      /"Stack\/T" has no stream\. Set dynamoStream/,
    );
  });

  test('may be a TableV2 with a stream', () => {
    const stack = newStack();
    const table = new dynamodb.TableV2(stack, 'T', { ...key, dynamoStream: dynamodb.StreamViewType.NEW_IMAGE });
    expect(() => newWorkflow(stack, props(table))).not.toThrow();
  });

  test.each([`${TABLE}2/stream/1`, 'arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/1'])(
    'must own its stream: %s',
    (tableStreamArn) => {
      const attributes = { tableArn: TABLE, tableStreamArn };
      expect(refusal((stack) => props(dynamodb.Table.fromTableAttributes(stack, 'T', attributes)))).toContain(
        'belongs to another table or Region',
      );
    },
  );

  test('must own its stream, if both are tables of the app', () => {
    const table = (stack: Stack, id: string) =>
      new dynamodb.Table(stack, id, { ...key, stream: dynamodb.StreamViewType.NEW_IMAGE });
    const message = refusal((stack) => {
      const [{ tableArn }, { tableStreamArn }] = [table(stack, 'A'), table(stack, 'B')];
      return props(dynamodb.Table.fromTableAttributes(stack, 'T', { tableArn, tableStreamArn }));
    });
    expect(message).toContain('belongs to another table or Region');
  });

  test('must not be a replica of another Region', () => {
    const app = new App({ outdir: OUTPUT });
    const primary = new dynamodb.TableV2(
      new Stack(app, 'Tables', { env: { ...ENVIRONMENT.env, region: 'us-east-1' } }),
      'T',
      {
        ...key,
        tableName: 't',
        replicas: [{ region: 'eu-west-1' }],
      },
    );
    const stack = new Stack(app, 'Stack', ENVIRONMENT);
    expect(() => newWorkflow(stack, props(primary.replica('eu-west-1')))).toThrow(/is that of a replica/);
  });
});

describe('a lock cache', () => {
  test('accepts a list of subnets that is known only at deployment, and subnets imported by ID', () => {
    const stack = newStack();
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Network', {
      vpcId: 'vpc-1',
      availabilityZones: ['eu-west-1a', 'eu-west-1b'],
      privateSubnetIds: Fn.split(',', Fn.importValue('subnets'), 2),
    });
    new LockCache(stack, 'One', { vpc });
    const subnets = ['subnet-1', 'subnet-2'].map((id) => ec2.Subnet.fromSubnetId(stack, id, id));
    new LockCache(stack, 'Two', { vpc, vpcSubnets: { subnets } });
    Template.fromStack(stack).hasResourceProperties('AWS::ElastiCache::ServerlessCache', {
      SubnetIds: ['subnet-1', 'subnet-2'],
    });
  });

  test.each(['Locks', '1-Locks--of-', 'a_very_long.name!of-a-cache-of-locks'])('has a valid name: %s', (id) => {
    const stack = newStack();
    new LockCache(new Construct(stack, '42--'), id, { vpc: new ec2.Vpc(stack, 'Network', { maxAzs: 2 }) });
    const [cache] = Object.values(Template.fromStack(stack).findResources('AWS::ElastiCache::ServerlessCache'));
    const [prefix, end] = cache!.Properties.ServerlessCacheName['Fn::Join'][1];
    expect(prefix).toMatch(/^(?=.{2,21}$)[a-z][a-z0-9]*(-[a-z0-9]+)*-$/);
    expect(JSON.stringify(end)).toContain('AWS::StackId');
  });

  test('adds no warnings to its workflow, for `cdk synth --strict`', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Network', { maxAzs: 2 });
    newWorkflow(stack, { vpc, lockCache: new LockCache(stack, 'Locks', { vpc }) });
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
    Template.fromStack(stack).resourceCountIs('AWS::EC2::SecurityGroupIngress', 1);
  });
});
