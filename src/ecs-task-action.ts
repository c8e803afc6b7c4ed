import { Arn, ArnFormat, Lazy, Names, Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { checkPlace } from './given-resource';
import type { Problems } from './problems';
import type { Machine } from 'cdk-lambda-fsm/machine';

/** A task on Amazon ECS that does the work of an action, and what follows from its end. */
export interface EcsTaskOptions {
  /** Where the task runs. */
  readonly cluster: ecs.ICluster;
  /** What runs. Add its containers first: what they need decides what the workflow may hand to the task. */
  readonly taskDefinition: ecs.TaskDefinition;
  /** The event of the machine when the container has ended with exit code 0. */
  readonly onSuccess: string;
  /** The event of the machine when the container has ended with any other exit code, or could not be started. */
  readonly onFailure: string;
  /**
   * The container that does the work, and gets what the execution has for it.
   *
   * @default - the first essential container of the task definition
   */
  readonly containerName?: string;
  /**
   * The command that the container runs.
   *
   * @default - that of the task definition
   */
  readonly command?: string[];
  /**
   * Environment variables for the container, in addition. Not for secrets: whoever may look at the task can read them.
   *
   * @default - those of the task definition, and the workflow's own
   */
  readonly environment?: { [name: string]: string };
  /**
   * The members of the execution's context that the container gets. All that a container is told has at most 8,192 characters as JSON,
   * a limit of Amazon ECS; a step whose task would get more fails.
   *
   * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html
   *
   * @default - all members
   */
  readonly context?: string[];
  /**
   * The capacity that the task may take.
   *
   * @default - Fargate if the task definition is made for it; otherwise the instances of the cluster
   */
  readonly capacityProviderStrategies?: ecs.CapacityProviderStrategy[];
  /**
   * The subnets of the cluster's network, if the task has a network interface of its own (network mode awsvpc, as on Fargate).
   *
   * @default - the private ones; the public ones if the task gets a public address
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * The security groups of the task's network interface.
   *
   * @default - a new one that lets everything out
   */
  readonly securityGroups?: ec2.ISecurityGroup[];
  /**
   * Whether the task's network interface gets a public address. In a public subnet it cannot pull an image without.
   *
   * @default false
   */
  readonly assignPublicIp?: boolean;
}

/** What an action runs on Amazon ECS. It is made by `workflow.addEcsTask`. */
export class EcsTaskAction extends Construct implements ec2.IConnectable {
  /** The network connections of the task, if it has a network interface of its own. */
  public readonly connections: ec2.Connections;
  /**
   * How the runtime finds it: an `EcsTaskConfiguration` of the runtime.
   *
   * @internal
   */
  public readonly _configuration: Readonly<Record<string, unknown>>;

  /** @internal */
  constructor(scope: Construct, id: string, workflowFunction: lambda.Function, options: EcsTaskOptions) {
    super(scope, id);
    const { cluster, taskDefinition } = options;
    const securityGroups = hasOwnInterface(taskDefinition)
      ? options.securityGroups ?? [new ec2.SecurityGroup(this, 'SecurityGroup', { vpc: cluster.vpc, description: `Tasks of ${this.node.path}` })]
      : [];
    this.connections = new ec2.Connections({ securityGroups });
    // Amazon ECS takes 128 characters, of which the runtime adds 44 that say which step of which execution it is.
    const startedBy = Names.uniqueResourceName(this, { maxLength: 84, separator: '-' });
    this._configuration = {
      cluster: cluster.clusterArn,
      taskDefinition: taskDefinition.taskDefinitionArn,
      container: containerOf(options),
      startedBy,
      onSuccess: options.onSuccess,
      onFailure: options.onFailure,
      ...options.capacityProviderStrategies
        ? { capacityProviders: options.capacityProviderStrategies }
        : { launchType: launchTypeOf(taskDefinition) },
      ...hasOwnInterface(taskDefinition) && { network: networkOf(options, securityGroups) },
      command: options.command,
      environment: options.environment,
      context: options.context,
    };
    grantRun(workflowFunction, options);
    grantStop(workflowFunction, options);
    new events.Rule(this, 'Stopped', {
      description: 'Tells the workflow which of its tasks have stopped',
      eventPattern: {
        source: ['aws.ecs'],
        detailType: ['ECS Task State Change'],
        detail: { clusterArn: [cluster.clusterArn], startedBy: events.Match.prefix(`${startedBy}/`), lastStatus: ['STOPPED'] },
      },
      targets: [new targets.LambdaFunction(workflowFunction)],
    });
  }
}

/** Adds what is wrong with a task, for the machines that are to run it. */
export function checkEcsTask(
  problems: Problems, name: string, options: EcsTaskOptions, machines: readonly Machine[], stack: Stack,
): void {
  const states = machines
    .flatMap((machine) => Object.values(machine.states).map((state) => ({ machine, state })))
    .filter(({ state }) => state.do === name);
  if (states.length === 0) {
    problems.add(`no state has the action "${name}" as its "do". Name it there, or give the name of one that is.`);
  }
  for (const { machine, state } of states) {
    for (const property of ['onSuccess', 'onFailure'] as const) {
      const event = options[property];
      if (state.final || Token.isUnresolved(event) || Object.hasOwn(state.on, event)) continue;
      problems.add(`${property}: machine "${machine.name}", state "${state.name}" does not handle the event "${event}", but ${Object.keys(state.on).map((known) => `"${known}"`).join(', ')}.`);
    }
    if (state.final) {
      problems.add(`machine "${machine.name}", state "${state.name}" is final, so nobody would wait for the task. Run it in a state before.`);
    }
  }
  const { cluster, taskDefinition, containerName } = options;
  // An imported cluster claims to be where its construct is; its ARN says where it is.
  checkPlace(problems, 'cluster', { env: Arn.split(cluster.clusterArn, ArnFormat.SLASH_RESOURCE_NAME) }, stack);
  if (containerName !== undefined && !taskDefinition.findContainer(containerName)) {
    problems.add(`containerName: the task definition has no container "${containerName}".`);
  } else if (containerName === undefined && !taskDefinition.defaultContainer) {
    problems.add('taskDefinition has no essential container yet. Add its containers before the task is added to the workflow.');
  }
  if (!hasOwnInterface(taskDefinition) && (options.vpcSubnets ?? options.securityGroups ?? options.assignPublicIp) !== undefined) {
    problems.add('vpcSubnets, securityGroups and assignPublicIp are for tasks with a network interface of their own. Give the task definition the network mode awsvpc, or leave them out.');
  }
  const reserved = Object.keys(options.environment ?? {}).filter((variable) => variable.startsWith('FSM_'));
  if (reserved.length > 0) problems.add(`environment: names that begin with FSM_ are the workflow's own, but there is ${reserved.join(', ')}.`);
}

function containerOf({ containerName, taskDefinition }: EcsTaskOptions): string | undefined {
  return containerName ?? taskDefinition.defaultContainer?.containerName;
}

function hasOwnInterface({ networkMode }: ecs.TaskDefinition): boolean {
  return networkMode === ecs.NetworkMode.AWS_VPC;
}

function launchTypeOf(taskDefinition: ecs.TaskDefinition): string {
  if (taskDefinition.isFargateCompatible) return 'FARGATE';
  return taskDefinition.isEc2Compatible ? 'EC2' : 'EXTERNAL';
}

function networkOf({ cluster, vpcSubnets, assignPublicIp = false }: EcsTaskOptions, securityGroups: readonly ec2.ISecurityGroup[]): object {
  const selection = vpcSubnets ?? (assignPublicIp ? { subnetType: ec2.SubnetType.PUBLIC } : {});
  return {
    subnets: cluster.vpc.selectSubnets(selection).subnetIds,
    securityGroups: securityGroups.map(({ securityGroupId }) => securityGroupId),
    assignPublicIp,
  };
}

/** Lets the function run this task in this cluster, and hand it the task's own roles. */
function grantRun(grantee: iam.IGrantable, { cluster, taskDefinition }: EcsTaskOptions): void {
  grantee.grantPrincipal.addToPrincipalPolicy(new iam.PolicyStatement({
    actions: ['ecs:RunTask'],
    resources: [taskDefinition.taskDefinitionArn],
    conditions: { ArnEquals: { 'ecs:cluster': cluster.clusterArn } },
  }));
  const { taskRole, executionRole } = taskDefinition;
  // A container that is added later, or its log, may give the task its execution role. If none does, its own role is named twice.
  const laterRole = () => (taskDefinition.executionRole ?? taskRole).roleArn;
  grantee.grantPrincipal.addToPrincipalPolicy(new iam.PolicyStatement({
    actions: ['iam:PassRole'],
    resources: [taskRole.roleArn, executionRole?.roleArn ?? Lazy.string({ produce: laterRole })],
    conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
  }));
}

/** Lets the function find its tasks in this cluster, and stop tasks there. */
function grantStop(grantee: lambda.Function, { cluster }: EcsTaskOptions): void {
  const conditions = { ArnEquals: { 'ecs:cluster': cluster.clusterArn } };
  // To list them is a right on a whole cluster, which only the condition can name.
  grantee.grantPrincipal.addToPrincipalPolicy(new iam.PolicyStatement({ actions: ['ecs:ListTasks'], resources: ['*'], conditions }));
  grantee.grantPrincipal.addToPrincipalPolicy(new iam.PolicyStatement({
    actions: ['ecs:StopTask'],
    resources: [Stack.of(grantee).formatArn({ service: 'ecs', resource: 'task', resourceName: `${cluster.clusterName}/*` })],
    conditions,
  }));
}
