import { createHash } from 'node:crypto';
import { failedRecords } from './batch-response';
import type { MappingProperties } from './mapping';
import { fromFirstFailure } from '../../../testing/rules/stream-batch';
import { pause, type Invocable } from '../../function/poller';

/** An event source mapping from a stream to a function. */
export interface StreamMapping extends MappingProperties {
  readonly streamArn: string;
  /** The position at which reading starts: the oldest record of the stream, or the next record that is written. */
  readonly startingPosition: 'TRIM_HORIZON' | 'LATEST';
  /** Maximum number of records in a batch. */
  readonly batchSize: number;
  /** Number of batches of one shard that are processed concurrently. Records with the same key stay in order. */
  readonly parallelizationFactor: number;
  readonly bisectsOnError: boolean;
  /** Maximum number of retries of a failed batch; `Infinity` if there is no limit. */
  readonly maximumRetryAttempts: number;
  /** Maximum age of a record, in seconds; `Infinity` if there is no limit. Older records are discarded. */
  readonly maximumRecordAgeSeconds: number;
  /** The queue that receives a report on discarded records. */
  readonly onFailureQueueUrl?: string;
}

/** A record of a stream. */
export interface StreamRecord {
  readonly sequenceNumber: string;
  /** Records with the same key are processed in order. */
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly arrivedAt: number;
  /** The record that the function receives. */
  readonly payload: object;
  /** The record that filters see. */
  readonly filterable: unknown;
}

/** Discarded records of one shard, and the reason. */
export interface Discarded {
  readonly shardId: string;
  readonly condition: 'RetryAttemptsExhausted' | 'RecordAgeExceeded';
  readonly records: readonly StreamRecord[];
  readonly invocations: number;
  readonly requestId?: string;
}

/** Delay before the first retry of a failed batch, in milliseconds. It doubles with each retry, up to the maximum. */
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 10_000;
/** A shard is not read further while a lane has more than this number of batches left. */
const MAX_BATCHES_AHEAD = 3;

/**
 * Delivers the records of one shard to the function. Lanes, one for each concurrent batch, divide the records by key. A lane processes one
 * batch after the other, and is blocked while a batch fails.
 */
export class ShardDelivery {
  private readonly lanes: Lane[];

  constructor(mapping: StreamMapping, signal: AbortSignal, process: (batch: readonly StreamRecord[]) => Promise<void>) {
    this.lanes = Array.from({ length: mapping.parallelizationFactor }, () => new Lane(mapping, signal, process));
  }

  /** Adds records. Resolves when there is room for more. */
  public async add(records: readonly StreamRecord[]): Promise<void> {
    for (const record of records) {
      this.lanes[laneOf(record.key, this.lanes.length)]?.add(record);
    }
    await Promise.all(this.lanes.map((lane) => lane.hasRoom()));
  }

  /** Resolves when all records are processed, or the signal is aborted. */
  public async end(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.end()));
  }
}

class Lane {
  private readonly backlog: StreamRecord[] = [];
  /** Resolve functions of the code that waits for a change of the backlog. */
  private readonly waiting: (() => void)[] = [];
  private readonly done: Promise<void>;
  private ended = false;

  constructor(
    private readonly mapping: StreamMapping,
    private readonly signal: AbortSignal,
    private readonly process: (batch: readonly StreamRecord[]) => Promise<void>,
  ) {
    this.done = this.run();
    signal.addEventListener('abort', () => this.notify());
  }

  public add(record: StreamRecord): void {
    this.backlog.push(record);
    this.notify();
  }

  public async hasRoom(): Promise<void> {
    await this.until(() => this.backlog.length <= this.mapping.batchSize * MAX_BATCHES_AHEAD);
  }

  public async end(): Promise<void> {
    this.ended = true;
    this.notify();
    await this.done;
  }

  private async run(): Promise<void> {
    for (;;) {
      await this.until(() => this.backlog.length > 0 || this.ended);
      if (this.mapping.batchingWindowSeconds > 0) {
        const window = pause(this.mapping.batchingWindowSeconds * 1000, this.signal);
        await Promise.race([window, this.until(() => this.backlog.length >= this.mapping.batchSize || this.ended)]);
      }
      const batch = this.backlog.splice(0, this.mapping.batchSize);
      if (batch.length === 0 || this.signal.aborted) {
        return;
      }
      this.notify();
      await this.process(batch);
    }
  }

  private async until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.signal.aborted) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  private notify(): void {
    for (const wake of this.waiting.splice(0)) {
      wake();
    }
  }
}

/**
 * Processes one batch, as Lambda does: it retries from the first failed record on, in halves if the mapping bisects batches, until the batch
 * succeeds, its retries are exhausted or its records are too old.
 *
 * ```
 * batch 1 2 3 4, the function reports 3:   1 2 have succeeded ──► retry 3 4
 * batch 1 2 3 4, the function throws:      retry 1 2 3 4, or, if bisected, 1 2 and then 3 4
 * ```
 */
export async function processBatch(
  shardId: string,
  batch: readonly StreamRecord[],
  mapping: StreamMapping,
  target: Invocable,
  discard: (discarded: Discarded) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const parts: { records: readonly StreamRecord[]; retries: number }[] = [
    { records: batch.filter((record) => mapping.filter(record.filterable)), retries: 0 },
  ];
  for (let part = parts.shift(); part && !signal.aborted; part = parts.shift()) {
    const { retries } = part;
    const oldest = Date.now() - mapping.maximumRecordAgeSeconds * 1000;
    const expired = part.records.filter((record) => record.arrivedAt < oldest);
    const records = part.records.filter((record) => record.arrivedAt >= oldest);
    if (expired.length > 0) {
      await discard({ shardId, condition: 'RecordAgeExceeded', records: expired, invocations: retries });
    }
    if (records.length === 0) {
      continue;
    }
    const result = await target.invoke({ Records: records.map((record) => record.payload) });
    const failed = failedRecords(
      result,
      records.map((record) => record.sequenceNumber),
      mapping.reportsItemFailures,
    );
    const remaining = fromFirstFailure(records, ({ sequenceNumber }) => failed.has(sequenceNumber));
    if (remaining.length === 0) {
      continue;
    }
    if (mapping.bisectsOnError && (remaining.length < records.length || records.length > 1)) {
      // Bisecting a batch does not count as a retry.
      const middle = remaining.length < records.length ? remaining.length : Math.ceil(remaining.length / 2);
      parts.unshift({ records: remaining.slice(0, middle), retries }, { records: remaining.slice(middle), retries });
    } else if (retries >= mapping.maximumRetryAttempts) {
      await discard({
        shardId,
        condition: 'RetryAttemptsExhausted',
        records: remaining,
        invocations: retries + 1,
        requestId: result.requestId,
      });
    } else {
      parts.unshift({ records: remaining, retries: retries + 1 });
      await pause(Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** retries), signal);
    }
  }
}

function laneOf(key: string, lanes: number): number {
  return lanes === 1 ? 0 : createHash('md5').update(key).digest().readUInt32BE() % lanes;
}
