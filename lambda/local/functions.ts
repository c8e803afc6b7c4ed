import { statSync } from 'node:fs';
import type { AsynchronousSettings } from './asynchronous-function';
import type { EventRule } from './event-bus';
import { destinationUrl, readMapping, type Mapping } from './event-source-mappings';
import type { FunctionDefinition } from './function';
import type { Schedule } from './pollers/schedule';
import type { Resources } from './resources';
import { readEventRule, readSchedule, ruleTargets } from './rules';
import { LOCAL_ACCOUNT, LOCAL_REGION, type Template } from './template';
import { isRecord, memberOf, type TemplateValue } from './template-value';

/** A function of the stack and what invokes it. */
export interface Deployment {
  readonly definition: FunctionDefinition;
  readonly mappings: readonly Mapping[];
  /** Logical ids of its subscriptions to topics. */
  readonly subscriptionIds: readonly string[];
  readonly schedules: readonly Schedule[];
  readonly rules: readonly EventRule[];
  readonly asynchronous: AsynchronousSettings;
}

/**
 * Reads the functions that something in the stack invokes: an event source mapping, a subscription to a topic, or a rule. All others (of
 * custom resources, of an API) are left out.
 *
 * @param environment variables that every function gets, stronger than its own
 * @throws Error when a function or what invokes it needs something that the runner does not provide
 */
export function readDeployments(template: Template, resources: Resources, environment: Readonly<Record<string, string>>): Deployment[] {
  const mappings = template.ofType('AWS::Lambda::EventSourceMapping')
    .filter((id) => template.raw(id).Enabled !== false)
    .map((id) => ({ id, functionId: invokedFunction(template, `The event source mapping "${id}"`, template.raw(id).FunctionName) }));
  const subscriptions = template.ofType('AWS::SNS::Subscription')
    .filter((id) => template.raw(id).Protocol === 'lambda')
    .map((id) => ({ id, functionId: invokedFunction(template, `The subscription "${id}"`, template.raw(id).Endpoint) }));
  const targets = ruleTargets(template);
  const functionIds = template.ofType('AWS::Lambda::Function')
    .filter((id) => [...mappings, ...subscriptions, ...targets].some(({ functionId }) => functionId === id));
  for (const id of functionIds) {
    template.provide(id, { ref: functionName(template, id), attributes: { Arn: functionArn(template, id) } });
  }
  return functionIds.map((functionId) => {
    const isOwn = (invoker: { readonly functionId: string }) => invoker.functionId === functionId;
    return {
      definition: readFunction(template, functionId, environment),
      mappings: mappings.filter(isOwn).map(({ id }) => readMapping(template, id, resources)),
      subscriptionIds: subscriptions.filter(isOwn).map(({ id }) => id),
      schedules: targets.filter(isOwn).flatMap((target) => readSchedule(template, target) ?? []),
      rules: targets.filter(isOwn).flatMap((target) => readEventRule(template, target) ?? []),
      asynchronous: readAsynchronousSettings(template, functionId, resources),
    };
  });
}

function invokedFunction(template: Template, who: string, invoked: TemplateValue | undefined): string {
  const logicalId = template.referredBy(invoked);
  if (logicalId === undefined || template.typeOf(logicalId) !== 'AWS::Lambda::Function') {
    throw new Error(`${who} invokes ${JSON.stringify(invoked)}, which is no function of this stack.`);
  }
  return logicalId;
}

function readFunction(template: Template, logicalId: string, environment: Readonly<Record<string, string>>): FunctionDefinition {
  const properties = template.properties(logicalId, ['Code', 'Handler', 'Environment', 'Timeout', 'MemorySize']);
  const directory = template.assetOf(memberOf(properties.Code, 'S3Key'));
  if (directory === undefined || !statSync(directory).isDirectory() || typeof properties.Handler !== 'string') {
    throw new Error(`The function "${logicalId}" cannot be run here: its code is no folder of the assembly. ` +
      'The local runner runs Node.js functions from asset folders; container images, inline code and zip files it does not.');
  }
  const variables = memberOf(properties.Environment, 'Variables');
  return {
    name: functionName(template, logicalId),
    arn: functionArn(template, logicalId),
    directory,
    handler: properties.Handler,
    environment: {
      ...Object.fromEntries(Object.entries(isRecord(variables) ? variables : {}).map(([name, value]) => [name, String(value)])),
      ...environment,
    },
    timeoutSeconds: Number(properties.Timeout ?? 3),
    memoryMegabytes: Number(properties.MemorySize ?? 128),
  };
}

/** The defaults are Lambda's. @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
function readAsynchronousSettings(template: Template, functionId: string, resources: Resources): AsynchronousSettings {
  const [configId] = template.ofType('AWS::Lambda::EventInvokeConfig')
    .filter((id) => template.referredBy(template.raw(id).FunctionName) === functionId);
  const config = configId === undefined ? {} : template.properties(configId);
  if (memberOf(config.DestinationConfig, 'OnSuccess') !== undefined) {
    throw new Error(`The configuration "${configId}" has a destination for what succeeds; the local runner knows those for what fails only.`);
  }
  const destination = memberOf(config.DestinationConfig, 'OnFailure', 'Destination');
  return {
    functionArn: functionArn(template, functionId),
    maximumRetryAttempts: Number(config.MaximumRetryAttempts ?? 2),
    maximumEventAgeSeconds: Number(config.MaximumEventAgeInSeconds ?? 21_600),
    onFailureQueueUrl: destinationUrl(`The function "${functionId}"`, destination, resources),
  };
}

function functionName(template: Template, logicalId: string): string {
  const { FunctionName } = template.properties(logicalId, ['FunctionName']);
  return typeof FunctionName === 'string' ? FunctionName : `${template.stackName}-${logicalId}`.slice(-64);
}

function functionArn(template: Template, logicalId: string): string {
  return `arn:aws:lambda:${LOCAL_REGION}:${LOCAL_ACCOUNT}:function:${functionName(template, logicalId)}`;
}
