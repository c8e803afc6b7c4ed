import type { EventSources } from './broker';
import { parseFilter, type RecordFilter } from './filter';
import { listOf, memberOf, type TemplateRecord, type TemplateValue } from '../../template/template-value';

/** The properties that all event source mappings share. */
export interface MappingProperties {
  /** Maximum time to fill a batch, in seconds, from its first record. */
  readonly batchingWindowSeconds: number;
  readonly reportsItemFailures: boolean;
  readonly filter: RecordFilter;
}

/** Reads the properties that all event source mappings share. */
export function readMapping(properties: TemplateRecord): MappingProperties {
  return {
    batchingWindowSeconds: Number(properties.MaximumBatchingWindowInSeconds ?? 0),
    reportsItemFailures: listOf(properties.FunctionResponseTypes).includes('ReportBatchItemFailures'),
    filter: parseFilter(
      listOf(memberOf(properties.FilterCriteria, 'Filters')).map((each) => String(memberOf(each, 'Pattern'))),
    ),
  };
}

/** Reads a limit. In mappings, both -1 and an absent value mean that there is no limit. */
export function readLimit(value: TemplateValue | undefined): number {
  const limit = Number(value ?? -1);
  return limit < 0 ? Infinity : limit;
}

/**
 * Returns the URL of an on-failure destination; `undefined` if there is none.
 *
 * @param owner the resource with the destination, for errors
 * @throws Error if the destination is not a queue of the stack
 */
export function destinationUrl(
  owner: string,
  destination: TemplateValue | undefined,
  queueUrls: EventSources,
): string | undefined {
  if (destination === undefined) {
    return undefined;
  }
  const url = queueUrls.get(String(destination));
  if (url === undefined) {
    throw new Error(
      `${owner} has the on-failure destination ${String(destination)}. The local runner supports only queues of the same stack.`,
    );
  }
  return url;
}
