import type { FsmWorkflowAttributes } from './fsm-workflow-attributes';
import type { FsmWorkflowProps } from './fsm-workflow-props';
import type { RejectedOption } from './workflow-function';
import {
  DURATION,
  KEY,
  listOf,
  objectWith,
  optionsLike,
  QUEUE,
  RETENTION,
  SECURITY_GROUPS,
  SUBNETS,
  TABLE,
  text,
  VPC,
  type TypesOf,
} from '../shared/value-types';

const STORED = { table: TABLE, retention: RETENTION };

const EVENT_SOURCE = objectWith(['_eventSource'], 'an EventSource, for example EventSource.sqs({ queue })');
const RETRY_QUEUE = objectWith(['_retryQueue'], 'a RetryQueue, for example RetryQueue.sqs({ queue })');

const COMMON: TypesOf<FsmWorkflowAttributes> = {
  workflowName: text("a name, for example 'orders'"),
  machineNames: listOf(text("a name, for example 'order'"), "a list of names, for example ['order']"),
  eventSource: EVENT_SOURCE,
  failoverEventSource: EVENT_SOURCE,
  retryQueue: RETRY_QUEUE,
  failoverRetryQueue: RETRY_QUEUE,
  lockTable: objectWith(['table', 'retention'], 'a LockTable, for example LockTable.fromTable(table)', STORED),
  lockCache: objectWith(['endpoint', 'authentication'], 'a LockCache, for example new LockCache(…)'),
  checkpointTable: objectWith(
    ['table', 'retention'],
    'a CheckpointTable, for example CheckpointTable.fromTable(table)',
    STORED,
  ),
  deadLetterQueue: QUEUE,
};

/** The types of the attributes of an imported workflow. */
export const ATTRIBUTE_TYPES = COMMON;

const { machineNames, ...ofBoth } = COMMON;

/** The types of the properties of a workflow. The options that a workflow rejects need none. */
export const PROPERTY_TYPES: TypesOf<FsmWorkflowProps, RejectedOption> = {
  ...ofBoth,
  machines: listOf(
    objectWith(['_machines'], 'a machine definition, for example MachineDefinition.fromObject(order)'),
    'a list of machine definitions, for example [MachineDefinition.fromObject(order)]',
  ),
  actions: text("the path of a file, for example 'order.actions.ts'"),
  bundling: optionsLike('{ minify: true }'),
  previousEventSources: listOf(EVENT_SOURCE, 'a list of event sources, for example [EventSource.sqs()]'),
  previousRetryQueues: listOf(RETRY_QUEUE, 'a list of retry queues, for example [RetryQueue.sqs()]'),
  encryptionKey: KEY,
  // Options of the function
  runtime: objectWith(['family', 'name'], 'a Runtime, for example Runtime.NODEJS_24_X'),
  architecture: objectWith(['dockerPlatform'], 'an Architecture, for example Architecture.ARM_64'),
  timeout: DURATION,
  maxEventAge: DURATION,
  ephemeralStorageSize: objectWith(['toMebibytes'], 'a Size, for example Size.gibibytes(1)'),
  role: objectWith(['roleArn', 'grantPrincipal'], 'a Role, for example Role.fromRoleArn(…)'),
  initialPolicy: listOf(
    objectWith(['toStatementJson'], 'a PolicyStatement, for example new PolicyStatement(…)'),
    'a list of policy statements, for example [new PolicyStatement(…)]',
  ),
  vpc: VPC,
  vpcSubnets: SUBNETS,
  securityGroups: SECURITY_GROUPS,
  layers: listOf(
    objectWith(['layerVersionArn'], 'a LayerVersion, for example LayerVersion.fromLayerVersionArn(…)'),
    'a list of layers, for example [LayerVersion.fromLayerVersionArn(…)]',
  ),
  insightsVersion: objectWith(
    ['layerVersionArn'],
    'a LambdaInsightsVersion, for example LambdaInsightsVersion.fromInsightVersionArn(…)',
  ),
  paramsAndSecrets: objectWith(
    ['_bind'],
    'a ParamsAndSecretsLayerVersion, for example ParamsAndSecretsLayerVersion.fromVersionArn(…)',
  ),
  adotInstrumentation: optionsLike('{ layerVersion, execWrapper: AdotLambdaExecWrapper.REGULAR_HANDLER }'),
  currentVersionOptions: optionsLike("{ description: 'v1' }"),
  runtimeManagementMode: objectWith(
    ['runtimeManagementConfig'],
    'a RuntimeManagementMode, for example RuntimeManagementMode.AUTO',
  ),
  filesystem: objectWith(['config'], 'a FileSystem, for example FileSystem.fromEfsAccessPoint(…)'),
  environmentEncryption: objectWith(['keyRef'], 'a Key, for example Key.fromKeyArn(…)'),
  codeSigningConfig: objectWith(
    ['codeSigningConfigRef'],
    'a CodeSigningConfig, for example CodeSigningConfig.fromCodeSigningConfigArn(…)',
  ),
  profilingGroup: objectWith(
    ['profilingGroupArn'],
    'a ProfilingGroup, for example ProfilingGroup.fromProfilingGroupName(…)',
  ),
  logGroup: objectWith(['logGroupRef'], 'a LogGroup, for example LogGroup.fromLogGroupName(…)'),
  onSuccess: objectWith(['bind'], 'a destination, for example new SqsDestination(queue)'),
};
