import { acceptBatch } from './accept-batch';
import type { PolledSource } from './polled-source';
import type {
  Clock,
  DeadLetterStore,
  Delivery,
  OutgoingEnvelope,
  Journal,
  Outcome,
  Place,
  DispatchResult,
} from '../../engine';
import { fromFirstFailure } from '../rules/stream-batch';

const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;
const HOUR_MS = 3_600_000;

/**
 * The limits of the services.
 *
 * @see https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
 */
const LIMITS = {
  kinesis: { maxBatchEntries: 500, maxBatchBytes: 5 * MEBIBYTE, maxBodyBytes: MEBIBYTE },
  dynamodb: { maxBatchEntries: 25, maxBatchBytes: 16 * MEBIBYTE, maxBodyBytes: 390 * KIBIBYTE },
};

/** Options of {@link InMemoryStream}. */
export interface InMemoryStreamOptions {
  readonly clock: Clock;
  /** The service whose behavior is simulated. */
  readonly service: 'kinesis' | 'dynamodb';
  /** Receives the records that expire before they are processed. */
  readonly deadLetters: DeadLetterStore;
  /**
   * The checkpoint table to which the stream belongs: the journal entry and the envelope are written together. For `dynamodb` only.
   *
   * @default - the journal entry is written separately
   */
  readonly journal?: Journal;
  /**
   * The name of the stream or table.
   *
   * @default 'stream'
   */
  readonly resource?: string;
  /**
   * Number of shards: an integer ≥ 1. All records of an execution are in the same shard.
   *
   * @default 2
   */
  readonly shards?: number;
  /**
   * Delay before a failed batch is redelivered, in milliseconds.
   *
   * @default 1000
   */
  readonly retryDelay?: number;
  /**
   * Retention of a record, in milliseconds.
   *
   * @default 86400000 - one day
   */
  readonly retention?: number;
  /**
   * Delay before a record can be read, in milliseconds.
   *
   * @default 0
   */
  readonly latency?: number;
}

interface StreamRecord {
  readonly sequenceNumber: string;
  readonly body: string;
  readonly at: number;
}

interface Shard {
  readonly id: string;
  /** The unprocessed records, in order. */
  records: StreamRecord[];
  busy: boolean;
  resumeAt: number;
}

/**
 * A stream in memory that behaves like Amazon Kinesis or DynamoDB Streams with an event source mapping: each shard is read in order, one batch
 * at a time. If records fail, the batch is redelivered from the first failed record on.
 */
export class InMemoryStream implements PolledSource {
  public readonly name: 'kinesis' | 'dynamodb';
  public readonly maxBatchEntries: number;
  public readonly maxBatchBytes: number;
  public readonly maxBodyBytes: number;
  private readonly options: Required<Omit<InMemoryStreamOptions, 'journal'>> & Pick<InMemoryStreamOptions, 'journal'>;
  private readonly shards: Shard[];
  /** All records by sequence number, including processed ones. */
  private readonly kept = new Map<string, { readonly body: string; readonly at: number }>();
  private sent = 0;

  constructor(options: InMemoryStreamOptions) {
    this.options = { resource: 'stream', shards: 2, retryDelay: 1000, retention: 24 * HOUR_MS, latency: 0, ...options };
    const { maxBatchEntries, maxBatchBytes, maxBodyBytes } = LIMITS[options.service];
    this.name = options.service;
    this.maxBatchEntries = maxBatchEntries;
    this.maxBatchBytes = maxBatchBytes;
    this.maxBodyBytes = maxBodyBytes;
    this.shards = Array.from({ length: this.options.shards }, (_, index) => ({
      id: `shard-${index}`,
      records: [],
      busy: false,
      resumeAt: 0,
    }));
  }

  public get size(): number {
    return this.shards.reduce((sum, shard) => sum + shard.records.length, 0);
  }

  public get nextAt(): number | undefined {
    const ready = this.shards.filter((shard) => !shard.busy && shard.records.length > 0);
    return ready.length === 0
      ? undefined
      : Math.min(...ready.map((shard) => Math.max(shard.resumeAt, this.readableAt(shard.records[0]))));
  }

  public async send(dispatches: readonly OutgoingEnvelope[]): Promise<readonly DispatchResult[]> {
    return acceptBatch(this, dispatches, (dispatch) => this.append(dispatch));
  }

  /** Reads an envelope again: a stream keeps a record until its retention ends, even after it was processed. */
  public async readBack(_executionId: string, { resource, sequenceNumber }: Place): Promise<string | undefined> {
    return sequenceNumber === undefined || resource !== this.options.resource ? undefined : this.bodyAt(sequenceNumber);
  }

  /** Returns the record with this sequence number; `undefined` once its retention has ended. */
  public bodyAt(sequenceNumber: string): string | undefined {
    const record = this.kept.get(sequenceNumber);
    return record && record.at >= this.options.clock.now() - this.options.retention ? record.body : undefined;
  }

  /**
   * Writes a record with any body.
   *
   * @param partitionKey selects the shard; by default, the body
   */
  public put(body: string, partitionKey: string = body): Place {
    const place = this.placeOf(this.shardOf(partitionKey), this.nextSequenceNumber());
    this.store(this.shardOf(partitionKey), body, place.sequenceNumber);
    return place;
  }

  public take(most: number): readonly Delivery[] {
    const now = this.options.clock.now();
    for (const shard of this.shards) {
      if (!shard.busy && shard.resumeAt <= now) {
        this.trim(shard);
        const readable = shard.records.filter((record) => this.readableAt(record) <= now);
        if (readable.length > 0) {
          shard.busy = true;
          return readable.slice(0, most).map(({ sequenceNumber, body }) => ({
            id: sequenceNumber,
            body,
            place: this.placeOf(shard, sequenceNumber),
            blocking: true,
            ordered: true,
          }));
        }
      }
    }
    return [];
  }

  public settle(batch: readonly Delivery[], outcomes: ReadonlyMap<string, Outcome>): void {
    const shard = this.shards.find(({ id }) => id === batch[0]?.place.shard);
    if (!shard) {
      return;
    }
    const remaining = fromFirstFailure(batch, ({ id }) => outcomes.get(id) !== 'acknowledge');
    shard.records = shard.records.slice(batch.length - remaining.length);
    shard.busy = false;
    shard.resumeAt = remaining.length === 0 ? 0 : this.options.clock.now() + this.options.retryDelay;
  }

  private async append({ envelope, body, checkpoint }: OutgoingEnvelope): Promise<DispatchResult> {
    const shard = this.shardOf(envelope.executionId);
    const place = this.placeOf(shard, this.nextSequenceNumber());
    let journaled = false;
    if (checkpoint && this.options.journal) {
      const [error] = await this.options.journal.write([{ ...checkpoint, place }]);
      if (error) {
        return { ok: false, error };
      }
      journaled = true;
    }
    this.store(shard, body, place.sequenceNumber);
    return { ok: true, journaled, place };
  }

  private nextSequenceNumber(): string {
    this.sent += 1;
    return String(this.sent).padStart(21, '0');
  }

  private store(shard: Shard, body: string, sequenceNumber: string): void {
    const record = { sequenceNumber, body, at: this.options.clock.now() };
    shard.records.push(record);
    this.kept.set(sequenceNumber, record);
  }

  private readableAt(record: StreamRecord | undefined): number {
    return (record?.at ?? 0) + this.options.latency;
  }

  /** Removes expired records, and reports them as dead letters. */
  private trim(shard: Shard): void {
    const oldest = this.options.clock.now() - this.options.retention;
    for (let record = shard.records[0]; record && record.at < oldest; record = shard.records[0]) {
      const { sequenceNumber, body } = record;
      shard.records.shift();
      void this.options.deadLetters.put({
        reason: 'The record expired before it was processed.',
        body,
        place: this.placeOf(shard, sequenceNumber),
        at: this.options.clock.now(),
      });
    }
  }

  private placeOf(shard: Shard, sequenceNumber: string): Place & { readonly sequenceNumber: string } {
    return { service: this.name, resource: this.options.resource, shard: shard.id, sequenceNumber };
  }

  private shardOf(partitionKey: string): Shard {
    let hash = 0;
    for (let index = 0; index < partitionKey.length; index += 1) {
      hash = (hash * 31 + partitionKey.charCodeAt(index)) % 0x7fffffff;
    }
    const shard = this.shards[hash % this.shards.length];
    if (!shard) {
      throw new RangeError(`Invalid number of shards ${this.shards.length}: expected an integer ≥ 1.`);
    }
    return shard;
  }
}
