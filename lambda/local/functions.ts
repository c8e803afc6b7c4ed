import { statSync } from 'node:fs';
import type { FunctionDefinition } from './function';
import { parseFilter } from './pollers/filter';
import { intervalOf, type Schedule } from './pollers/schedule';
import type { StreamMapping } from './pollers/shard';
import type { QueueMapping } from './pollers/sqs';
import type { Resources } from './resources';
import { LOCAL_ACCOUNT, LOCAL_REGION, type Template } from './template';
import { isRecord, listOf, memberOf, type TemplateValue } from './template-value';

/** A function of the stack and what invokes it. */
export interface Deployment {
  readonly definition: FunctionDefinition;
  readonly queues: readonly QueueMapping[];
  readonly streams: readonly StreamMapping[];
  readonly schedules: readonly Schedule[];
}

/**
 * Reads the functions that something in the stack invokes: an event source mapping, or a scheduled rule. All others (of custom
 * resources, of an API) are left out.
 *
 * @param environment variables that every function gets, stronger than its own
 * @throws Error when a function or what invokes it needs something that the runner does not provide
 */
export function readDeployments(template: Template, resources: Resources, environment: Readonly<Record<string, string>>): Deployment[] {
  const mappings = template.ofType('AWS::Lambda::EventSourceMapping')
    .filter((id) => template.raw(id).Enabled !== false)
    .map((id) => ({ id, functionId: invokedFunction(template, id) }));
  const rules = template.ofType('AWS::Events::Rule')
    .filter((id) => template.raw(id).State !== 'DISABLED')
    .flatMap((id) => listOf(template.raw(id).Targets).map((target) => ({ id, target, functionId: template.referredBy(memberOf(target, 'Arn')) })));
  const functionIds = template.ofType('AWS::Lambda::Function')
    .filter((id) => [...mappings, ...rules].some(({ functionId }) => functionId === id));
  for (const id of functionIds) {
    template.provide(id, { ref: functionName(template, id), attributes: { Arn: functionArn(template, id) } });
  }
  return functionIds.map((functionId) => {
    const own = mappings.filter((mapping) => mapping.functionId === functionId).map(({ id }) => readMapping(template, id, resources));
    return {
      definition: readFunction(template, functionId, environment),
      queues: own.flatMap(({ queue }) => queue ?? []),
      streams: own.flatMap(({ stream }) => stream ?? []),
      schedules: rules.filter((rule) => rule.functionId === functionId).map(({ id, target }) => readSchedule(template, id, target)),
    };
  });
}

function invokedFunction(template: Template, mappingId: string): string {
  const { FunctionName } = template.raw(mappingId);
  const logicalId = template.referredBy(FunctionName);
  if (logicalId === undefined || template.typeOf(logicalId) !== 'AWS::Lambda::Function') {
    throw new Error(`The event source mapping "${mappingId}" invokes ${JSON.stringify(FunctionName)}, which is no function of this stack.`);
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

function readMapping(template: Template, logicalId: string, resources: Resources): { queue?: QueueMapping; stream?: StreamMapping } {
  const properties = template.properties(logicalId);
  const source = String(properties.EventSourceArn);
  const common = {
    batchingWindowSeconds: Number(properties.MaximumBatchingWindowInSeconds ?? 0),
    reportsItemFailures: listOf(properties.FunctionResponseTypes).includes('ReportBatchItemFailures'),
    filter: parseFilter(listOf(memberOf(properties.FilterCriteria, 'Filters')).map((each) => String(memberOf(each, 'Pattern')))),
  };
  const queueUrl = resources.queueUrls.get(source);
  if (queueUrl !== undefined) {
    return {
      queue: {
        ...common,
        queueUrl,
        queueArn: source,
        batchSize: Number(properties.BatchSize ?? 10),
        maximumConcurrency: unlimited(memberOf(properties.ScalingConfig, 'MaximumConcurrency')),
      },
    };
  }
  if (!resources.streamArns.has(source)) {
    throw new Error(`The event source mapping "${logicalId}" reads ${source}, which is neither a queue nor the stream of a table of this stack.`);
  }
  const startingPosition = properties.StartingPosition;
  if (startingPosition !== 'TRIM_HORIZON' && startingPosition !== 'LATEST') {
    throw new Error(`The event source mapping "${logicalId}" starts at ${String(startingPosition)}; the local runner knows TRIM_HORIZON and LATEST.`);
  }
  const destination = memberOf(properties.DestinationConfig, 'OnFailure', 'Destination');
  const onFailureQueueUrl = destination === undefined ? undefined : resources.queueUrls.get(String(destination));
  if (destination !== undefined && onFailureQueueUrl === undefined) {
    throw new Error(`The event source mapping "${logicalId}" sends what it gives up to ${String(destination)}, which is no queue of this stack.`);
  }
  return {
    stream: {
      ...common,
      streamArn: source,
      startingPosition,
      batchSize: Number(properties.BatchSize ?? 100),
      parallelizationFactor: Number(properties.ParallelizationFactor ?? 1),
      bisectsOnError: properties.BisectBatchOnFunctionError === true,
      maximumRetryAttempts: unlimited(properties.MaximumRetryAttempts),
      maximumRecordAgeSeconds: unlimited(properties.MaximumRecordAgeInSeconds),
      onFailureQueueUrl,
    },
  };
}

function readSchedule(template: Template, logicalId: string, target: TemplateValue): Schedule {
  const { ScheduleExpression } = template.properties(logicalId, ['ScheduleExpression']);
  if (ScheduleExpression === undefined) {
    throw new Error(`The rule "${logicalId}" matches events; the local runner runs scheduled rules only.`);
  }
  if (memberOf(target, 'InputPath') !== undefined || memberOf(target, 'InputTransformer') !== undefined) {
    throw new Error(`The rule "${logicalId}" makes its input out of the event; the local runner knows constant inputs only.`);
  }
  const input = template.resolve(memberOf(target, 'Input'), `${logicalId}.Targets`);
  return {
    ruleArn: `arn:aws:events:${LOCAL_REGION}:${LOCAL_ACCOUNT}:rule/${template.stackName}-${logicalId}`,
    interval: intervalOf(String(ScheduleExpression)),
    input: input === undefined ? undefined : JSON.parse(String(input)) as unknown,
  };
}

function functionName(template: Template, logicalId: string): string {
  const { FunctionName } = template.properties(logicalId, ['FunctionName']);
  return typeof FunctionName === 'string' ? FunctionName : `${template.stackName}-${logicalId}`.slice(-64);
}

function functionArn(template: Template, logicalId: string): string {
  return `arn:aws:lambda:${LOCAL_REGION}:${LOCAL_ACCOUNT}:function:${functionName(template, logicalId)}`;
}

/** In mappings, -1 and no number mean that there is no limit. */
function unlimited(value: TemplateValue | undefined): number {
  const limit = Number(value ?? -1);
  return limit < 0 ? Infinity : limit;
}
