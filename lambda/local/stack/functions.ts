import { statSync } from 'node:fs';
import type { Resources } from './brokers';
import { readEventRule, readSchedule, ruleTargets } from './rules';
import { declaredTriggers, readTrigger } from './triggers';
import { ASYNCHRONOUS_INVOCATION_DEFAULTS } from '../../testing/rules/asynchronous-invocation';
import type { StartPoller } from '../brokers/shared/broker';
import { destinationUrl } from '../brokers/shared/mapping';
import type { EventRule } from '../eventbridge/event-bus';
import type { Schedule } from '../eventbridge/schedule';
import type { AsynchronousSettings } from '../function/asynchronous-function';
import type { FunctionDefinition } from '../function/function';
import { LOCAL_ACCOUNT, LOCAL_REGION, type Template } from '../template/template';
import { isRecord, memberOf } from '../template/template-value';

/** A function of the stack, and its triggers. */
export interface Deployment {
  readonly definition: FunctionDefinition;
  /** Start the pollers of its event source mappings and subscriptions. */
  readonly triggers: readonly StartPoller[];
  readonly schedules: readonly Schedule[];
  readonly rules: readonly EventRule[];
  readonly asynchronous: AsynchronousSettings;
}

/**
 * Reads the functions of the stack that an event source mapping, a subscription or a rule invokes. All other functions, such as those of
 * custom resources or APIs, are ignored.
 *
 * @param environment environment variables of every function; they override the function's own
 * @throws Error if a function or a trigger requires something that the local runner does not support
 */
export function readDeployments(
  template: Template,
  resources: Resources,
  environment: Readonly<Record<string, string>>,
): Deployment[] {
  const triggers = declaredTriggers(template);
  const targets = ruleTargets(template);
  const functionIds = template
    .ofType('AWS::Lambda::Function')
    .filter((id) => [...triggers, ...targets].some(({ functionId }) => functionId === id));
  for (const id of functionIds) {
    template.provide(id, { ref: functionName(template, id), attributes: { Arn: functionArn(template, id) } });
  }
  return functionIds.map((functionId) => {
    const isOwn = (invoker: { readonly functionId: string }) => invoker.functionId === functionId;
    return {
      definition: readFunction(template, functionId, environment),
      triggers: triggers.filter(isOwn).map((trigger) => readTrigger(template, trigger, resources)),
      schedules: targets.filter(isOwn).flatMap((target) => readSchedule(template, target) ?? []),
      rules: targets.filter(isOwn).flatMap((target) => readEventRule(template, target) ?? []),
      asynchronous: readAsynchronousSettings(template, functionId, resources),
    };
  });
}

function readFunction(
  template: Template,
  logicalId: string,
  environment: Readonly<Record<string, string>>,
): FunctionDefinition {
  const properties = template.properties(logicalId, ['Code', 'Handler', 'Environment', 'Timeout', 'MemorySize']);
  const directory = template.assetOf(memberOf(properties.Code, 'S3Key'));
  if (directory === undefined || !statSync(directory).isDirectory() || typeof properties.Handler !== 'string') {
    throw new Error(
      `Cannot run function "${logicalId}": its code is not an asset folder of the cloud assembly. ` +
        'The local runner supports Node.js functions from asset folders, but no container images, inline code or zip files.',
    );
  }
  const variables = memberOf(properties.Environment, 'Variables');
  return {
    name: functionName(template, logicalId),
    arn: functionArn(template, logicalId),
    directory,
    handler: properties.Handler,
    environment: {
      ...Object.fromEntries(
        Object.entries(isRecord(variables) ? variables : {}).map(([name, value]) => [name, String(value)]),
      ),
      ...environment,
    },
    timeoutSeconds: Number(properties.Timeout ?? 3),
    memoryMegabytes: Number(properties.MemorySize ?? 128),
  };
}

function readAsynchronousSettings(template: Template, functionId: string, resources: Resources): AsynchronousSettings {
  const [configId] = template
    .ofType('AWS::Lambda::EventInvokeConfig')
    .filter((id) => template.referredBy(template.raw(id).FunctionName) === functionId);
  const config = configId === undefined ? {} : template.properties(configId);
  if (memberOf(config.DestinationConfig, 'OnSuccess') !== undefined) {
    throw new Error(
      `EventInvokeConfig "${configId}" has an on-success destination. The local runner supports only on-failure destinations.`,
    );
  }
  const destination = memberOf(config.DestinationConfig, 'OnFailure', 'Destination');
  return {
    functionArn: functionArn(template, functionId),
    maxRetryAttempts: Number(config.MaximumRetryAttempts ?? ASYNCHRONOUS_INVOCATION_DEFAULTS.maxRetryAttempts),
    maxEventAgeMs:
      config.MaximumEventAgeInSeconds === undefined
        ? ASYNCHRONOUS_INVOCATION_DEFAULTS.maxEventAgeMs
        : Number(config.MaximumEventAgeInSeconds) * 1000,
    onFailureQueueUrl: destinationUrl(`Function "${functionId}"`, destination, resources.sqs),
  };
}

function functionName(template: Template, logicalId: string): string {
  const { FunctionName } = template.properties(logicalId, ['FunctionName']);
  return typeof FunctionName === 'string' ? FunctionName : `${template.stackName}-${logicalId}`.slice(-64);
}

function functionArn(template: Template, logicalId: string): string {
  return `arn:aws:lambda:${LOCAL_REGION}:${LOCAL_ACCOUNT}:function:${functionName(template, logicalId)}`;
}
