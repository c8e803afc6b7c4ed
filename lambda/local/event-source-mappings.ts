import { parseFilter } from './pollers/filter';
import type { StreamMapping } from './pollers/shard';
import type { QueueMapping } from './pollers/sqs';
import type { Resources } from './resources';
import type { Template } from './template';
import { listOf, memberOf, type TemplateRecord, type TemplateValue } from './template-value';

/** An event source mapping, by the service that it polls. */
export type Mapping =
  | { readonly service: 'sqs'; readonly queue: QueueMapping }
  | { readonly service: 'dynamodb' | 'kinesis'; readonly stream: StreamMapping };

/** @throws Error when the mapping needs something that the runner does not provide */
export function readMapping(template: Template, logicalId: string, resources: Resources): Mapping {
  const properties = template.properties(logicalId);
  const source = String(properties.EventSourceArn);
  const queueUrl = resources.queueUrls.get(source);
  if (queueUrl !== undefined) {
    return {
      service: 'sqs',
      queue: {
        ...commonOf(properties),
        queueUrl,
        queueArn: source,
        batchSize: Number(properties.BatchSize ?? 10),
        maximumConcurrency: unlimited(memberOf(properties.ScalingConfig, 'MaximumConcurrency')),
      },
    };
  }
  const kinesisStreamArn = resources.kinesisStreamArns.get(source);
  if (kinesisStreamArn !== undefined) {
    return { service: 'kinesis', stream: readStreamMapping(logicalId, properties, source, kinesisStreamArn, resources) };
  }
  if (resources.tableStreamArns.has(source)) {
    return { service: 'dynamodb', stream: readStreamMapping(logicalId, properties, source, source, resources) };
  }
  throw new Error(`The event source mapping "${logicalId}" reads ${source}, which is no queue, no Kinesis stream and no stream of a table of this stack.`);
}

function commonOf(properties: TemplateRecord) {
  return {
    batchingWindowSeconds: Number(properties.MaximumBatchingWindowInSeconds ?? 0),
    reportsItemFailures: listOf(properties.FunctionResponseTypes).includes('ReportBatchItemFailures'),
    filter: parseFilter(listOf(memberOf(properties.FilterCriteria, 'Filters')).map((each) => String(memberOf(each, 'Pattern')))),
  };
}

function readStreamMapping(
  logicalId: string, properties: TemplateRecord, sourceArn: string, streamArn: string, resources: Resources,
): StreamMapping {
  const startingPosition = properties.StartingPosition;
  if (startingPosition !== 'TRIM_HORIZON' && startingPosition !== 'LATEST') {
    throw new Error(`The event source mapping "${logicalId}" starts at ${String(startingPosition)}; the local runner knows TRIM_HORIZON and LATEST.`);
  }
  const destination = memberOf(properties.DestinationConfig, 'OnFailure', 'Destination');
  return {
    ...commonOf(properties),
    streamArn,
    sourceArn,
    startingPosition,
    batchSize: Number(properties.BatchSize ?? 100),
    parallelizationFactor: Number(properties.ParallelizationFactor ?? 1),
    bisectsOnError: properties.BisectBatchOnFunctionError === true,
    maximumRetryAttempts: unlimited(properties.MaximumRetryAttempts),
    maximumRecordAgeSeconds: unlimited(properties.MaximumRecordAgeInSeconds),
    onFailureQueueUrl: destinationUrl(`The event source mapping "${logicalId}"`, destination, resources),
  };
}

/**
 * The queue that is told of what is given up, if there is one.
 *
 * @param who gives it up, for errors
 * @throws Error when the destination is no queue of the stack
 */
export function destinationUrl(who: string, destination: TemplateValue | undefined, { queueUrls }: Resources): string | undefined {
  if (destination === undefined) {
    return undefined;
  }
  const url = queueUrls.get(String(destination));
  if (url === undefined) {
    throw new Error(`${who} sends what it gives up to ${String(destination)}, which is no queue of this stack.`);
  }
  return url;
}

/** In mappings, -1 and no number mean that there is no limit. */
function unlimited(value: TemplateValue | undefined): number {
  const limit = Number(value ?? -1);
  return limit < 0 ? Infinity : limit;
}
