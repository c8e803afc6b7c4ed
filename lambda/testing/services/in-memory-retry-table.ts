import { acceptBatch } from './accept-batch';
import type { Clock, OutgoingEnvelope, Due, DueStore, DispatchResult, Transport } from '../../engine';

const KIBIBYTE = 1024;

/** Options of {@link InMemoryRetryTable}. */
export interface InMemoryRetryTableOptions {
  readonly clock: Clock;
  /**
   * The name of the table.
   *
   * @default 'retries'
   */
  readonly resource?: string;
}

/** A retry queue in memory that a timer polls for due envelopes. */
export interface DueTable extends Transport, DueStore {
  /** The number of stored envelopes. */
  readonly size: number;
  /** The due time of the next envelope, in milliseconds since the epoch; `undefined` if there is none. */
  readonly nextAt: number | undefined;
}

/**
 * A retry queue in memory that behaves like the one on Amazon DynamoDB: it delays envelopes by any duration, and a timer polls it every
 * minute for due envelopes.
 */
export class InMemoryRetryTable implements DueTable {
  public readonly shards = 1;
  public readonly name = 'dynamodb';
  public readonly maxBatchEntries = 25;
  public readonly maxBatchBytes = 16 * KIBIBYTE * KIBIBYTE;
  public readonly maxBodyBytes = 390 * KIBIBYTE;
  public readonly longestDelay = Infinity;
  /** By due time and the identity of the envelope: storing an envelope twice for the same time replaces the item and its key. */
  private readonly waiting = new Map<string, Due>();
  private readonly clock: Clock;
  private readonly resource: string;
  private sent = 0;

  constructor(options: InMemoryRetryTableOptions) {
    this.clock = options.clock;
    this.resource = options.resource ?? 'retries';
  }

  public get size(): number {
    return this.waiting.size;
  }

  public get nextAt(): number | undefined {
    return this.waiting.size === 0 ? undefined : Math.min(...[...this.waiting.values()].map(({ at }) => at));
  }

  public async send(dispatches: readonly OutgoingEnvelope[]): Promise<readonly DispatchResult[]> {
    return acceptBatch(this, dispatches, ({ envelope, body }) => {
      this.sent += 1;
      const at = envelope.notBefore ?? this.clock.now();
      const item = [
        at,
        envelope.executionId,
        envelope.step,
        envelope.parent,
        envelope.timeout ? 'timeout' : envelope.attempt,
      ].join('#');
      const key = `${this.resource}-${this.sent}`;
      this.waiting.set(item, { key, body, at });
      return { ok: true, journaled: false, place: { service: this.name, resource: this.resource, messageId: key } };
    });
  }

  public async *due(until: number): AsyncIterable<readonly Due[]> {
    const page = [...this.waiting.values()].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
    if (page.length > 0) {
      yield page;
    }
  }

  public async remove(due: readonly Due[]): Promise<void> {
    const removed = new Set(due.map(({ key }) => key));
    for (const [item, { key }] of this.waiting) {
      if (removed.has(key)) {
        this.waiting.delete(item);
      }
    }
  }
}
