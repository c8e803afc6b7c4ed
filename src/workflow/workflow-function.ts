import { Duration, PhysicalName, Token, type RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct, Dependable } from 'constructs';
import { HANDLER, VARIABLE_PREFIX } from '#contract';
import { encryptLogs } from '../shared/grants';
import { quoteAll, type ValidationErrors } from '../shared/validation-errors';

/**
 * Options for the Lambda function that runs the transitions of a workflow: those of every function of the AWS CDK, with the defaults and
 * limits below.
 *
 * - `memorySize`: 512 MB by default.
 * - `timeout`: 30 seconds by default, and from 5 seconds to 15 minutes, in whole seconds. Must cover the actions of one step; the records of a
 *   batch run concurrently.
 * - `architecture`: ARM_64 by default. Native dependencies of the actions must be built for it.
 * - `environment`: the names that start with `FSM_` are reserved. Do not put secrets here: every identity with permission to read the
 *   function's configuration can read them.
 * - `vpc`: needs a route, through NAT or VPC endpoints, to all AWS services that the workflow uses.
 * - `role`: receives the permissions of the workflow. If it is imported, it must have them already.
 * - `logGroup`: by default, a new group that keeps logs for the time of `logRetention`, which is one month by default. The workflow itself
 *   logs no payloads.
 * - `tracing`: with `Tracing.ACTIVE`, each sampled execution is one trace across all its invocations, with one segment per attempt at a step.
 *   Find it by `annotation.executionId`. If the function that starts an execution is traced, the execution continues its trace. The sampling
 *   rules of X-Ray apply to the invocation that starts an execution. X-Ray shows 100 to 500 KB of a trace, which is a few hundred steps. An
 *   invocation with segments to send makes one more request; segments that X-Ray does not accept within about two seconds are lost.
 * - `deadLetterQueue`: the queue for all messages of the workflow that are not retried automatically: a standard queue in the Region of the
 *   workflow, which retains messages for at least 1 day. By default, a new encrypted queue that denies plain HTTP and retains messages for 14
 *   days.
 * - `maxEventAge`, `retryAttempts` and `onSuccess` apply to the starts by EventBridge and to the deliveries of SNS. Failed ones go to the
 *   workflow's `deadLetterQueue`.
 *
 * Rejected are `events`, `onFailure`, `deadLetterQueueEnabled`, `deadLetterTopic`, `recursiveLoop`, `snapStart`, `tenancyConfig` and
 * `durableConfig`, and the options of the log retention function: the workflow itself receives, dead-letters and repeats.
 */
export interface WorkflowFunctionOptions extends lambda.FunctionOptions {
  /**
   * The Node.js runtime of the function: Node.js 20 or later.
   *
   * @default Runtime.NODEJS_24_X
   */
  readonly runtime?: lambda.Runtime;
}

const NODE_OPTIONS_VARIABLE = 'NODE_OPTIONS';

const OLDEST_NODE = 20;

/** https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html */
const MAX_DESCRIPTION_LENGTH = 256;

/** The options of a function that the workflow cannot leave to its users, each with the reason. */
const REJECTED = {
  events:
    'the function runs only envelopes of the workflow. Use eventSource, or start executions with an FsmWorkflowTarget or a function of yours.',
  onFailure: 'failed invocations go to the deadLetterQueue of the workflow. Set deadLetterQueue.',
  deadLetterQueueEnabled: 'a workflow always has a dead-letter queue. Set deadLetterQueue to use an existing queue.',
  deadLetterTopic: 'failed invocations go to the deadLetterQueue of the workflow. Set deadLetterQueue.',
  recursiveLoop:
    'each step passes from the function through the event source to the function, which Lambda would detect as a loop and stop.',
  snapStart: 'Lambda does not support it for Node.js.',
  tenancyConfig: 'event source mappings cannot name a tenant.',
  durableConfig: 'the workflow itself is durable.',
  logRemovalPolicy: 'it belongs to the custom resource of the CDK. Set removalPolicy, or use a logGroup.',
  logRetentionRole: 'the workflow creates its log group without a custom resource.',
  logRetentionRetryOptions: 'the workflow creates its log group without a custom resource.',
} satisfies Readonly<Partial<Record<keyof lambda.FunctionOptions, string>>>;

export type RejectedOption = keyof typeof REJECTED;

/** The timeout of an invocation. */
export function timeoutOf(options: WorkflowFunctionOptions): Duration {
  return options.timeout ?? Duration.seconds(30);
}

export function checkFunctionOptions(errors: ValidationErrors, options: WorkflowFunctionOptions): void {
  errors.checkInteger('memorySize', options.memorySize, { min: 128, max: 10_240, reason: 'Lambda limit' });
  errors.checkDuration('timeout', options.timeout, {
    min: Duration.seconds(5),
    max: Duration.minutes(15),
    reason: 'Lambda limit, and the time that the function needs to release its leases',
  });
  errors.checkInteger('reservedConcurrentExecutions', options.reservedConcurrentExecutions, {
    min: 0,
    reason: '0 stops the function',
  });
  errors.checkInteger('retryAttempts', options.retryAttempts, { min: 0, max: 2, reason: 'Lambda limit' });
  const reserved = Object.keys(options.environment ?? {}).filter((name) => name.startsWith(VARIABLE_PREFIX));
  if (reserved.length > 0) {
    errors.add(
      `Invalid environment variable ${quoteAll(reserved)}: names that start with ${VARIABLE_PREFIX} are reserved for the workflow's configuration. Rename the variable.`,
    );
  }
  if (!options.vpc && (options.vpcSubnets ?? options.securityGroups)) {
    errors.add('vpcSubnets and securityGroups require vpc. Set vpc, or omit vpcSubnets and securityGroups.');
  }
  const { description, runtime } = options;
  if (description && !Token.isUnresolved(description) && description.length > MAX_DESCRIPTION_LENGTH) {
    errors.add(
      `Invalid description of ${description.length} characters: expected at most ${MAX_DESCRIPTION_LENGTH} (Lambda limit). Shorten the description.`,
    );
  }
  if (runtime && !isSupported(runtime)) {
    errors.add(
      `Invalid runtime ${runtime.name}: expected Node.js ${OLDEST_NODE} or later, for example Runtime.NODEJS_24_X.`,
    );
  }
  if (options.logGroup && options.logRetention !== undefined) {
    errors.add('logRetention applies only to a new log group. Set the retention of the logGroup, or omit logGroup.');
  }
  for (const [option, reason] of Object.entries(REJECTED)) {
    // All rejected options are options of the function.
    if (options[option as keyof lambda.FunctionOptions] !== undefined) {
      errors.add(`${option} is not supported: ${reason} Omit ${option}.`);
    }
  }
}

function isSupported({ family, name }: lambda.Runtime): boolean {
  const [, version] = /^nodejs(\d+)/.exec(name) ?? [];
  return family === lambda.RuntimeFamily.NODEJS && (version === undefined || Number(version) >= OLDEST_NODE);
}

/** Creates the function, with its role and its log group unless the options have them. */
export function createFunction(
  scope: Construct,
  name: string,
  code: lambda.Code,
  { logRetention, ...options }: WorkflowFunctionOptions,
  encryptionKey: kms.IKey | undefined,
  removalPolicy: RemovalPolicy,
): lambda.Function {
  const logGroup = options.logGroup ?? createLogGroup(scope, logRetention, encryptionKey, removalPolicy);
  const role = options.role ?? createRole(scope);
  grantWriteLogs(logGroup, role);
  if (options.vpc) grantNetworkInterfaces(role);
  return new lambda.Function(scope, 'Function', {
    description: `Runs the transitions of workflow ${name}`.slice(0, MAX_DESCRIPTION_LENGTH),
    functionName: PhysicalName.GENERATE_IF_NEEDED,
    runtime: lambda.Runtime.NODEJS_24_X,
    memorySize: 512,
    architecture: lambda.Architecture.ARM_64,
    environmentEncryption: encryptionKey,
    ...withoutUndefined(options),
    handler: HANDLER,
    code,
    role,
    logGroup,
    timeout: timeoutOf(options),
    // Maps stack traces to the source files of the actions.
    environment: { [NODE_OPTIONS_VARIABLE]: '--enable-source-maps', ...options.environment },
    // Each step of an execution passes from the function through a queue to the function. Lambda would detect a recursive loop, and drop the
    // message after about 16 steps: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    recursiveLoop: lambda.RecursiveLoop.ALLOW,
  });
}

/** Callers pass options on that may be undefined, which must not hide a default. */
function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function createLogGroup(
  scope: Construct,
  retention: logs.RetentionDays | undefined,
  encryptionKey: kms.IKey | undefined,
  removalPolicy: RemovalPolicy,
): logs.LogGroup {
  if (encryptionKey) encryptLogs(scope, encryptionKey);
  return new logs.LogGroup(scope, 'Logs', {
    retention: retention ?? logs.RetentionDays.ONE_MONTH,
    encryptionKey,
    removalPolicy,
  });
}

/**
 * The managed policy that the CDK attaches by default allows writing to all log groups of the account.
 *
 * The function depends on its role, so that its permissions exist before it runs. It names the role anyway, so a dependency on the policies
 * suffices.
 */
function createRole(scope: Construct): iam.Role {
  const role = new iam.Role(scope, 'Role', {
    roleName: PhysicalName.GENERATE_IF_NEEDED,
    assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
  });
  Dependable.implement(role, {
    get dependencyRoots() {
      return role.node.children.filter((child) => child !== role.node.defaultChild);
    },
  });
  return role;
}

function grantWriteLogs(logGroup: WorkflowLogGroup, role: iam.IRole): void {
  const arn = 'logGroupArn' in logGroup ? String(logGroup.logGroupArn) : `${logGroup.logGroupRef.logGroupArn}:*`;
  iam.Grant.addToPrincipal({
    grantee: role,
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    resourceArns: [arn],
  });
}

type WorkflowLogGroup = NonNullable<lambda.FunctionOptions['logGroup']>;

/**
 * The actions that Lambda calls with the function's role to connect it to a VPC. They support no resource-level permissions for network
 * interfaces that Lambda creates.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
 */
function grantNetworkInterfaces(role: iam.IRole): void {
  role.addToPrincipalPolicy(
    new iam.PolicyStatement({
      actions: [
        'ec2:AssignPrivateIpAddresses',
        'ec2:CreateNetworkInterface',
        'ec2:DeleteNetworkInterface',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSubnets',
        'ec2:UnassignPrivateIpAddresses',
      ],
      resources: ['*'],
    }),
  );
}
