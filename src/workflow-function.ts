import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Problems } from './problems';

/** The Lambda function in which the transitions of a workflow run. */
export interface WorkflowFunctionOptions {
  /**
   * Memory of the function in MB. Its share of a processor grows with it.
   *
   * Valid range: 128 to 10,240.
   * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
   *
   * @default 512
   */
  readonly memorySize?: number;
  /**
   * How long an invocation may take: at least as long as the actions of one step, for all records of a batch run at the same time.
   *
   * Valid range: 5 seconds to 15 minutes, in whole seconds.
   * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
   *
   * @default Duration.seconds(30)
   */
  readonly timeout?: Duration;
  /**
   * The processor. The actions' native dependencies, if there are any, must have been built for it.
   *
   * @default Architecture.ARM_64
   */
  readonly architecture?: lambda.Architecture;
  /**
   * Environment variables for the actions. Not for secrets: whoever may look at the function can read them.
   *
   * @default - none of your own
   */
  readonly environment?: { [name: string]: string };
  /**
   * A network that the actions must be in. It needs a way to the AWS services that the workflow uses: NAT or VPC endpoints.
   *
   * @default - none
   */
  readonly vpc?: ec2.IVpc;
  /**
   * The subnets of the network.
   *
   * @default - the private ones
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * The security groups of the function in the network.
   *
   * @default - a new one that lets everything out
   */
  readonly securityGroups?: ec2.ISecurityGroup[];
  /**
   * How many invocations at once the function can have for certain, and at most.
   *
   * @default - as many as the account has left
   */
  readonly reservedConcurrentExecutions?: number;
  /**
   * How long the function's logs are kept. The workflow itself writes no payload into them.
   *
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: logs.RetentionDays;
  /**
   * Whether AWS X-Ray traces the executions. With `Tracing.ACTIVE` each execution that is sampled is one trace, across all invocations,
   * with a segment for each attempt at a step; find it by `annotation.executionId`. It goes on in the trace of the function that has
   * started it, if that one is traced. The invocations have traces of their own, since each may run steps of many executions.
   *
   * X-Ray's sampling rules decide by the invocation in which an execution begins. Of a trace X-Ray shows 100 to 500 KB, some hundred steps.
   * While there is something to tell, an invocation makes one request more; what X-Ray does not take within a second or two is lost.
   * In a network the function needs a way to X-Ray.
   *
   * @see https://docs.aws.amazon.com/general/latest/gr/xray.html
   *
   * @default Tracing.DISABLED
   */
  readonly tracing?: lambda.Tracing;
}

/** The environment variable in which the runtime finds the workflow's resources. */
export const CONFIGURATION_VARIABLE = 'FSM_WORKFLOW';

const NODE_OPTIONS_VARIABLE = 'NODE_OPTIONS';

/** How long an invocation may take. */
export function timeoutOf(options: WorkflowFunctionOptions): Duration {
  return options.timeout ?? Duration.seconds(30);
}

export function checkFunctionOptions(problems: Problems, options: WorkflowFunctionOptions): void {
  problems.wholeNumber('memorySize', options.memorySize, 128, 10_240, 'the limit of Lambda');
  if (options.timeout?.isUnresolved()) {
    problems.add('timeout must be known at synth, because the visibility timeouts of the queues follow from it. Give it as Duration.seconds(n).');
  }
  problems.duration('timeout', options.timeout, Duration.seconds(5), Duration.minutes(15), 'the limit of Lambda, and the time it takes to give up in good order');
  problems.wholeNumber('reservedConcurrentExecutions', options.reservedConcurrentExecutions, 0, Number.MAX_SAFE_INTEGER, '0 stops the function');
  if (options.environment && CONFIGURATION_VARIABLE in options.environment) {
    problems.add(`environment: the runtime finds the workflow's resources in ${CONFIGURATION_VARIABLE}. Give your variable another name.`);
  }
  if (!options.vpc && (options.vpcSubnets ?? options.securityGroups)) {
    problems.add('vpcSubnets and securityGroups are for a function in a network. Give its vpc, too, or leave them out.');
  }
}

/** The function with its role and its logs. */
export function createFunction(
  scope: Construct, name: string, code: lambda.Code, options: WorkflowFunctionOptions, removalPolicy: RemovalPolicy,
): lambda.Function {
  const logGroup = new logs.LogGroup(scope, 'Logs', { retention: options.logRetention ?? logs.RetentionDays.ONE_MONTH, removalPolicy });
  // The managed policy that the CDK gives to functions lets them write into all logs of the account.
  const role = new iam.Role(scope, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
  logGroup.grantWrite(role);
  if (options.vpc) grantNetworkInterfaces(role);
  return new lambda.Function(scope, 'Function', {
    description: `Transitions of the workflow ${name}`,
    runtime: lambda.Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code,
    role,
    logGroup,
    memorySize: options.memorySize ?? 512,
    timeout: timeoutOf(options),
    architecture: options.architecture ?? lambda.Architecture.ARM_64,
    // Stack traces then show the lines of the actions' sources.
    environment: { [NODE_OPTIONS_VARIABLE]: '--enable-source-maps', ...options.environment },
    vpc: options.vpc,
    vpcSubnets: options.vpcSubnets,
    securityGroups: options.securityGroups,
    reservedConcurrentExecutions: options.reservedConcurrentExecutions,
    tracing: options.tracing,
    // An execution goes from the function to a queue and back for each of its steps. Lambda takes that for a mistake, and would drop its
    // message after some sixteen rounds: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    recursiveLoop: lambda.RecursiveLoop.ALLOW,
  });
}

/**
 * What Lambda does in the function's name to connect it to a network. IAM cannot narrow the interfaces down.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
 */
function grantNetworkInterfaces(role: iam.Role): void {
  role.addToPolicy(new iam.PolicyStatement({
    actions: [
      'ec2:AssignPrivateIpAddresses', 'ec2:CreateNetworkInterface', 'ec2:DeleteNetworkInterface', 'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets', 'ec2:UnassignPrivateIpAddresses',
    ],
    resources: ['*'],
  }));
}
