import type { Place } from '../engine/ports';
import { isObject } from '../machine/is-object';

/** Consecutive records of a shard that Lambda delivers no more, because they are too old or were retried too often. */
export interface DiscardedRecords {
  readonly service: 'kinesis' | 'dynamodb';
  readonly streamArn: string;
  readonly shard: string;
  /** Sequence numbers, inclusive. */
  readonly first: string;
  readonly last: string;
  readonly count: number;
}

/** A record that was read again. */
export interface StoredRecord {
  readonly body: string;
  readonly place: Place;
}

/** Reads one shard of a stream. */
export interface ShardReader {
  /** @returns nothing if the record has expired */
  iterator(shard: string, sequenceNumber: string): Promise<string | undefined>;
  /** @returns the next records, in order. Those that the workflow did not write have no body */
  page(iterator: string): Promise<{
    readonly records: readonly { readonly sequenceNumber: string; readonly body?: string }[];
    /** Absent at the end of a closed shard. */
    readonly next?: string;
  }>;
  /** Closes the connections. */
  close(): void;
}

/** The members of a report, by the service of the stream. */
const SERVICES = { KinesisBatchInfo: 'kinesis', DDBStreamBatchInfo: 'dynamodb' } as const;

/**
 * Reads the report that Lambda sends to the on-failure destination of a stream. It has the place of the records, and not their content.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
 * @returns nothing for any other message
 */
export function discardedRecords(body: string): DiscardedRecords | undefined {
  const report = parse(body);
  for (const [member, service] of Object.entries(SERVICES)) {
    const info = report?.[member];
    if (!isObject(info)) continue;
    const { streamArn, shardId: shard, startSequenceNumber: first, endSequenceNumber: last, batchSize: count } = info;
    const texts = [streamArn, shard, first, last];
    if (
      !texts.every((text) => typeof text === 'string') ||
      !isSequenceNumber(first) ||
      !isSequenceNumber(last) ||
      !Number.isInteger(count)
    ) {
      continue;
    }
    return { service, streamArn: String(streamArn), shard: String(shard), first, last, count: Number(count) };
  }
  return undefined;
}

/** The number of responses without a record after which the rest of a range counts as expired. */
const MAX_EMPTY_PAGES = 5;

/** Reads discarded records again, as long as the stream retains them. The result lacks those that have expired. */
export async function readDiscarded(
  { service, streamArn, shard, first, last }: DiscardedRecords,
  reader: ShardReader,
): Promise<readonly StoredRecord[]> {
  const found: StoredRecord[] = [];
  let iterator = await reader.iterator(shard, first);
  // A response may be empty although further records follow in the shard.
  for (let empty = 0; iterator !== undefined && empty < MAX_EMPTY_PAGES;) {
    const { records, next } = await reader.page(iterator);
    for (const { sequenceNumber, body } of records) {
      if (BigInt(sequenceNumber) > BigInt(last)) return found;
      if (body !== undefined) {
        found.push({ body, place: { service, resource: streamArn, shard, sequenceNumber } });
      }
      if (sequenceNumber === last) return found;
    }
    empty = records.length === 0 ? empty + 1 : 0;
    iterator = next;
  }
  return found;
}

function parse(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function isSequenceNumber(value: unknown): value is string {
  return typeof value === 'string' && /^\d+$/.test(value);
}
