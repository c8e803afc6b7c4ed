import { Arn, ArnFormat, Lazy, Names, Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import {
  MAX_STARTED_BY_PREFIX_LENGTH,
  STARTED_BY_SEPARATOR,
  TASK_TAG,
  TASK_STATE_CHANGE,
  TASK_STOPPED,
  VARIABLE_PREFIX,
  type EcsTaskConfiguration,
  type TaskLaunchType,
  type TaskNetworkConfiguration,
} from '#contract';
import { checkLocation, isKnownIn } from '../shared/existing-resource';
import { quoteAll, type ValidationErrors } from '../shared/validation-errors';
import {
  checkTypes,
  listOf,
  objectWith,
  optionsLike,
  SECURITY_GROUPS,
  SUBNETS,
  type TypesOf,
} from '../shared/value-types';
import type { Machine } from 'cdk-lambda-fsm/machine';

/** The Amazon ECS task that runs an action, and the events that its result sends to the execution. */
export interface EcsTaskOptions {
  /** The cluster that runs the task, in the account and Region of the workflow. */
  readonly cluster: ecs.ICluster;
  /**
   * The task definition. Add its containers before you add the task to the workflow: they determine the permissions of the workflow.
   *
   * Import an existing one with its `networkMode`, `taskRole` and `executionRole`, for example with
   * `FargateTaskDefinition.fromFargateTaskDefinitionAttributes`, and set `containerName`.
   */
  readonly taskDefinition: ecs.ITaskDefinition;
  /** The event that the execution receives if the container exits with code 0. */
  readonly onSuccess: string;
  /** The event that the execution receives if the container exits with any other code, or never starts. */
  readonly onFailure: string;
  /**
   * The container that runs the action and receives the workflow's environment variables.
   *
   * @default - the first essential container of the task definition
   */
  readonly containerName?: string;
  /**
   * The command that the container runs.
   *
   * @default - the command of the task definition
   */
  readonly command?: string[];
  /**
   * Additional environment variables for the container. Names must not start with `FSM_`. Do not put secrets here: every identity with
   * permission to describe the task can read them.
   *
   * @default - no additional variables
   */
  readonly environment?: { [name: string]: string };
  /**
   * The members of the execution's context that the container receives, as JSON in the variable `FSM_CONTEXT`. Every identity with permission
   * to describe the task can read them, so name only what the container needs, and pass keys of sensitive data instead of the data.
   *
   * Amazon ECS limits the overrides of a task (command, environment and context) to 8,192 characters of JSON. A step that exceeds the limit
   * fails.
   *
   * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html
   *
   * @default - no members
   */
  readonly context?: string[];
  /**
   * The capacity providers that run the task.
   *
   * @default - Fargate if the task definition is compatible with it; otherwise the container instances of the cluster
   */
  readonly capacityProviderStrategies?: ecs.CapacityProviderStrategy[];
  /**
   * The subnets of the task, in the cluster's VPC. Requires the network mode `awsvpc`.
   *
   * @default - the private subnets; the public subnets if `assignPublicIp` is true
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * The security groups of the task. Requires the network mode `awsvpc`.
   *
   * @default - a new security group that allows all outbound traffic
   */
  readonly securityGroups?: ec2.ISecurityGroup[];
  /**
   * Whether the task receives a public IP address. In a public subnet, a task without one cannot pull its image. Requires the network mode
   * `awsvpc`.
   *
   * @default false
   */
  readonly assignPublicIp?: boolean;
}

const TYPES: TypesOf<EcsTaskOptions> = {
  cluster: objectWith(['clusterArn', 'clusterName'], 'a Cluster, for example Cluster.fromClusterAttributes(…)'),
  taskDefinition: objectWith(
    ['taskDefinitionArn'],
    'a task definition, for example FargateTaskDefinition.fromFargateTaskDefinitionAttributes(…)',
  ),
  capacityProviderStrategies: listOf(
    optionsLike("{ capacityProvider: 'FARGATE_SPOT', weight: 1 }"),
    "a list of strategies, for example [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }]",
  ),
  vpcSubnets: SUBNETS,
  securityGroups: SECURITY_GROUPS,
};

/** An Amazon ECS task that runs an action, as created by `workflow.addEcsTask()`. */
export class EcsTaskAction extends Construct implements ec2.IConnectable {
  /** The network connections of the task. Without the network mode `awsvpc`, the task has no security groups. */
  public readonly connections: ec2.Connections;
  /**
   * How the runtime runs the task.
   *
   * @internal
   */
  public readonly _configuration: EcsTaskConfiguration;

  /** @internal */
  constructor(scope: Construct, id: string, workflowFunction: lambda.Function, options: EcsTaskOptions) {
    super(scope, id);
    const { cluster, taskDefinition, capacityProviderStrategies } = options;
    const container = containerOf(options);
    // `checkEcsTask` has rejected a task definition without containers.
    if (container === undefined) throw new Error(`The task definition of "${this.node.path}" has no container.`);
    const securityGroups = hasNetworkInterface(taskDefinition)
      ? (options.securityGroups ?? [
          new ec2.SecurityGroup(this, 'SecurityGroup', { vpc: cluster.vpc, description: `Tasks of ${this.node.path}` }),
        ])
      : [];
    this.connections = new ec2.Connections({ securityGroups });
    const startedBy = Names.uniqueResourceName(this, { maxLength: MAX_STARTED_BY_PREFIX_LENGTH, separator: '-' });
    this._configuration = {
      cluster: cluster.clusterArn,
      taskDefinition: taskDefinition.taskDefinitionArn,
      container,
      startedBy,
      onSuccess: options.onSuccess,
      onFailure: options.onFailure,
      ...(capacityProviderStrategies
        ? { capacityProviders: capacityProviderStrategies }
        : { launchType: launchTypeOf(taskDefinition) }),
      ...(hasNetworkInterface(taskDefinition) && { network: networkOf(options, securityGroups) }),
      command: options.command,
      environment: options.environment,
      context: options.context,
    };
    grantRun(workflowFunction, options, startedBy);
    grantStop(workflowFunction, options, startedBy);
    new events.Rule(this, 'Stopped', {
      description: 'Notifies the workflow of its stopped tasks',
      eventPattern: {
        source: [TASK_STATE_CHANGE.source],
        detailType: [TASK_STATE_CHANGE.detailType],
        detail: {
          clusterArn: [cluster.clusterArn],
          startedBy: events.Match.prefix(`${startedBy}${STARTED_BY_SEPARATOR}`),
          lastStatus: [TASK_STOPPED],
        },
      },
      targets: [new targets.LambdaFunction(workflowFunction)],
    });
  }
}

/** Adds the errors in a task, alone and for the machines whose states run it. */
export function checkEcsTask(
  errors: ValidationErrors,
  name: string,
  given: EcsTaskOptions,
  machines: readonly Machine[],
  stack: Stack,
): void {
  const options = checkTypes<EcsTaskOptions>(errors, given, TYPES, ['cluster', 'taskDefinition']);
  const states = machines
    .flatMap((machine) => Object.values(machine.states).map((state) => ({ machine, state })))
    .filter(({ state }) => state.do === name);
  if (states.length === 0) {
    errors.add(`No state has the "do" action "${name}". Use the name of a "do" action, or add the action to a state.`);
  }
  for (const { machine, state } of states) {
    for (const property of ['onSuccess', 'onFailure'] as const) {
      const event = options[property];
      if (event === undefined) {
        errors.add(`${property} is required. Set ${property} to the name of an event.`);
        continue;
      }
      if (state.final || Token.isUnresolved(event) || Object.hasOwn(state.on, event)) continue;
      errors.add(
        `Invalid ${property} "${event}": machine "${machine.name}", state "${state.name}" handles only ${quoteAll(Object.keys(state.on))}. Use one of these events, or add a transition.`,
      );
    }
    if (state.final) {
      errors.add(
        `Machine "${machine.name}", state "${state.name}" is final, so the execution would not wait for the task. Run the task in an earlier state.`,
      );
    }
  }
  const reserved = Object.keys(options.environment ?? {}).filter((variable) => variable.startsWith(VARIABLE_PREFIX));
  if (reserved.length > 0) {
    errors.add(
      `Invalid environment variables ${quoteAll(reserved)}: names that start with ${VARIABLE_PREFIX} are reserved for the workflow. Rename them.`,
    );
  }
  const { cluster, taskDefinition, containerName } = options;
  if (!cluster || !taskDefinition) return;
  if (!isKnownIn(stack, cluster.clusterArn)) {
    errors.add(
      `The existing cluster "${cluster.node.path}" belongs to a stack of another account or Region. Use a cluster in the workflow's account and Region.`,
    );
    return;
  }
  // The `env` of an imported cluster is that of its scope. Its ARN contains its actual account and Region.
  checkLocation(errors, 'cluster', { env: Arn.split(cluster.clusterArn, ArnFormat.SLASH_RESOURCE_NAME) }, stack);
  const known = taskDefinition instanceof ecs.TaskDefinition ? taskDefinition : undefined;
  if (!known) {
    if (containerName === undefined) {
      errors.add('The taskDefinition is imported, so its containers are unknown at synthesis. Set containerName.');
    }
    for (const property of ['networkMode', 'taskRole'] as const) {
      if (valueOf(() => taskDefinition[property]) !== undefined) continue;
      errors.add(
        `The taskDefinition is imported without its ${property}. Import it with FargateTaskDefinition.fromFargateTaskDefinitionAttributes(…, { taskDefinitionArn, ${property} }).`,
      );
    }
  } else if (containerName !== undefined && !known.findContainer(containerName)) {
    errors.add(
      `Invalid containerName "${containerName}": the task definition has no such container. Use the name of a container that was added to it.`,
    );
  } else if (containerName === undefined && !known.defaultContainer) {
    errors.add(
      'The taskDefinition has no essential container. Add its containers before you add the task to the workflow.',
    );
  }
  const inVpc = valueOf(() => hasNetworkInterface(taskDefinition)) ?? false;
  if (
    inVpc &&
    !valueOf(() => cluster.vpc) &&
    (options.vpcSubnets?.subnets === undefined || options.securityGroups === undefined)
  ) {
    errors.add(
      'The cluster is imported without its vpc, which tasks with the network mode awsvpc require. Import it with Cluster.fromClusterAttributes(…, { clusterName, vpc }), or set vpcSubnets.subnets and securityGroups.',
    );
  }
  if (
    inVpc &&
    !options.assignPublicIp &&
    options.vpcSubnets === undefined &&
    valueOf(() => cluster.vpc.selectSubnets().hasPublic)
  ) {
    errors.add(
      'The VPC of the cluster has no private subnets, and a task in a public subnet without a public IP address cannot pull its image. Set assignPublicIp to true, or set vpcSubnets.',
    );
  }
  if (!inVpc && (options.vpcSubnets ?? options.securityGroups ?? options.assignPublicIp) !== undefined) {
    errors.add(
      'vpcSubnets, securityGroups and assignPublicIp require the network mode awsvpc. Set networkMode in the task definition, or omit these properties.',
    );
  }
}

function containerOf({ containerName, taskDefinition }: EcsTaskOptions): string | undefined {
  if (containerName !== undefined || !(taskDefinition instanceof ecs.TaskDefinition)) return containerName;
  return taskDefinition.defaultContainer?.containerName;
}

/** @returns undefined if an imported construct does not know the value, and throws */
function valueOf<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Only tasks with the network mode `awsvpc` have a network interface, and thus subnets and security groups, of their own. */
function hasNetworkInterface({ networkMode }: ecs.ITaskDefinition): boolean {
  return networkMode === ecs.NetworkMode.AWS_VPC;
}

function launchTypeOf(taskDefinition: ecs.ITaskDefinition): TaskLaunchType {
  if (taskDefinition.isFargateCompatible) return 'FARGATE';
  return taskDefinition.isEc2Compatible ? 'EC2' : 'EXTERNAL';
}

function networkOf(
  { cluster, vpcSubnets, assignPublicIp = false }: EcsTaskOptions,
  securityGroups: readonly ec2.ISecurityGroup[],
): TaskNetworkConfiguration {
  const selection = vpcSubnets ?? (assignPublicIp ? { subnetType: ec2.SubnetType.PUBLIC } : {});
  return {
    subnets: selection.subnets?.map(({ subnetId }) => subnetId) ?? cluster.vpc.selectSubnets(selection).subnetIds,
    securityGroups: securityGroups.map(({ securityGroupId }) => securityGroupId),
    assignPublicIp,
  };
}

/** Allows the function to run this task in this cluster with the action's tag, and to pass the task's roles to it. */
function grantRun(grantee: lambda.Function, { cluster, taskDefinition }: EcsTaskOptions, startedBy: string): void {
  grantee.grantPrincipal.addToPrincipalPolicy(
    new iam.PolicyStatement({
      actions: ['ecs:RunTask'],
      resources: [taskDefinition.taskDefinitionArn],
      conditions: { ArnEquals: { 'ecs:cluster': cluster.clusterArn } },
    }),
  );
  grantee.grantPrincipal.addToPrincipalPolicy(
    new iam.PolicyStatement({
      actions: ['ecs:TagResource'],
      resources: [tasksOf(grantee, cluster)],
      conditions: { StringEquals: { 'ecs:CreateAction': 'RunTask', [`aws:RequestTag/${TASK_TAG}`]: startedBy } },
    }),
  );
  const { taskRole, executionRole } = taskDefinition;
  // Adding a container or its log driver later may create the execution role. Without one, the statement names the task role twice.
  const laterRole = () => (taskDefinition.executionRole ?? taskRole).roleArn;
  grantee.grantPrincipal.addToPrincipalPolicy(
    new iam.PolicyStatement({
      actions: ['iam:PassRole'],
      resources: [taskRole.roleArn, executionRole?.roleArn ?? Lazy.string({ produce: laterRole })],
      conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
    }),
  );
}

/**
 * Allows the function to list the tasks of this cluster and to stop those with the action's tag, which only this workflow can set.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
 */
function grantStop(grantee: lambda.Function, { cluster }: EcsTaskOptions, startedBy: string): void {
  const conditions = { ArnEquals: { 'ecs:cluster': cluster.clusterArn } };
  // ListTasks supports no resource-level permissions for a cluster, so a condition restricts it.
  grantee.grantPrincipal.addToPrincipalPolicy(
    new iam.PolicyStatement({ actions: ['ecs:ListTasks'], resources: ['*'], conditions }),
  );
  grantee.grantPrincipal.addToPrincipalPolicy(
    new iam.PolicyStatement({
      actions: ['ecs:StopTask'],
      resources: [tasksOf(grantee, cluster)],
      conditions: { ...conditions, StringEquals: { [`aws:ResourceTag/${TASK_TAG}`]: startedBy } },
    }),
  );
}

/** The ARN pattern of the tasks in a cluster. */
function tasksOf(scope: Construct, { clusterName }: ecs.ICluster): string {
  return Stack.of(scope).formatArn({ service: 'ecs', resource: 'task', resourceName: `${clusterName}/*` });
}
