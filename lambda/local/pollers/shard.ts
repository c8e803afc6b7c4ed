import { createHash } from 'node:crypto';
import { failedRecords } from './batch-response';
import type { RecordFilter } from './filter';
import { pause, type Invocable } from './poller';

/** An event source mapping from a stream to a function, whichever service the stream is of. */
export interface StreamMapping {
  readonly streamArn: string;
  /** What the function is told that its records come from: the stream, or a consumer of it with enhanced fan-out. */
  readonly sourceArn: string;
  /** Where reading begins: with the oldest record that the stream has, or with the next one. */
  readonly startingPosition: 'TRIM_HORIZON' | 'LATEST';
  /** Most records in a batch. */
  readonly batchSize: number;
  /** How long a batch waits to be filled, counted from its first record. */
  readonly batchingWindowSeconds: number;
  /** How many batches of one shard are processed at the same time; records with the same key stay in order. */
  readonly parallelizationFactor: number;
  readonly reportsItemFailures: boolean;
  readonly bisectsOnError: boolean;
  /** How often a failed batch is tried again; infinite when there is no limit. */
  readonly maximumRetryAttempts: number;
  /** Records older than this are given up, in seconds; infinite when there is no limit. */
  readonly maximumRecordAgeSeconds: number;
  readonly filter: RecordFilter;
  /** The queue that is told of records that were given up. */
  readonly onFailureQueueUrl?: string;
}

/** A record of any stream. */
export interface StreamRecord {
  readonly sequenceNumber: string;
  /** Records with the same key are processed in order. */
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly arrivedAt: number;
  /** The record as the function gets it. */
  readonly payload: object;
  /** What a filter sees of it. */
  readonly filterable: unknown;
}

/** Records of one shard that were given up, and why. */
export interface Discarded {
  readonly shardId: string;
  readonly condition: 'RetryAttemptsExhausted' | 'RecordAgeExceeded';
  readonly records: readonly StreamRecord[];
  readonly invocations: number;
  readonly requestId?: string;
}

/** How long a failed batch waits before it is tried again, in milliseconds: doubled with each attempt, up to the longest. */
const FIRST_BACKOFF = 100;
const LONGEST_BACKOFF = 10_000;
/** No more is read of a shard while a lane has this many batches to do. */
const BATCHES_AHEAD = 3;

/**
 * The records of one shard on their way to the function, spread by key over as many lanes as the mapping has batches at a time.
 * A lane does one batch after the other, and stands still as long as a batch fails.
 */
export class ShardDelivery {
  private readonly lanes: Lane[];

  constructor(
    mapping: StreamMapping,
    signal: AbortSignal,
    process: (batch: readonly StreamRecord[]) => Promise<void>,
  ) {
    this.lanes = Array.from({ length: mapping.parallelizationFactor }, () => new Lane(mapping, signal, process));
  }

  /** Takes records over; resolves when there is room for more. */
  public async add(records: readonly StreamRecord[]): Promise<void> {
    for (const record of records) {
      this.lanes[laneOf(record.key, this.lanes.length)]?.add(record);
    }
    await Promise.all(this.lanes.map((lane) => lane.hasRoom()));
  }

  /** Resolves when all records are through, or when the signal is aborted. */
  public async end(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.end()));
  }
}

class Lane {
  private readonly backlog: StreamRecord[] = [];
  /** Who waits for a change of the backlog. */
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
    await this.until(() => this.backlog.length <= this.mapping.batchSize * BATCHES_AHEAD);
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
 * Gets one batch through, as Lambda does: again from the lowest record that failed, in halves where the mapping says so, until it
 * succeeds, has been tried too often or is too old.
 *
 * ```
 * batch 1 2 3 4, the function reports 3:   1 2 are through ──► 3 4 again
 * batch 1 2 3 4, the function throws:      1 2 3 4 again, or, bisected: 1 2, then 3 4
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
  const parts = [{ records: batch.filter((record) => mapping.filter(record.filterable)), retries: 0 }];
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
    const failed = failedRecords(result, records.map((record) => record.sequenceNumber), mapping.reportsItemFailures);
    if (failed.size === 0) {
      continue;
    }
    const remaining = records.slice(records.findIndex((record) => failed.has(record.sequenceNumber)));
    if (mapping.bisectsOnError && (remaining.length < records.length || records.length > 1)) {
      // Splitting a batch does not count as one of its retries.
      const middle = remaining.length < records.length ? remaining.length : Math.ceil(remaining.length / 2);
      parts.unshift({ records: remaining.slice(0, middle), retries }, { records: remaining.slice(middle), retries });
    } else if (retries >= mapping.maximumRetryAttempts) {
      await discard({ shardId, condition: 'RetryAttemptsExhausted', records: remaining, invocations: retries + 1, requestId: result.requestId });
    } else {
      parts.unshift({ records: remaining, retries: retries + 1 });
      await pause(Math.min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** retries), signal);
    }
  }
}

function laneOf(key: string, lanes: number): number {
  return lanes === 1 ? 0 : createHash('md5').update(key).digest().readUInt32BE() % lanes;
}
