import type { Clock, Dispatch, Due, DueStore, Sent, Transport } from '../engine';
import { takeBatch } from './take-batch';

const KIBIBYTE = 1024;

/** Options of {@link InMemoryRetryTable}. */
export interface InMemoryRetryTableOptions {
  readonly clock: Clock;
  /**
   * Name of the table.
   *
   * @default 'retries'
   */
  readonly resource?: string;
}

/** A retry queue in memory that a timer asks what is due. */
export interface DueTable extends Transport, DueStore {
  /** How many envelopes it holds. */
  readonly size: number;
  /** When the next envelope is due, in milliseconds since the epoch. */
  readonly nextAt: number | undefined;
}

/**
 * A retry queue in memory that behaves like the one on DynamoDB: it holds an envelope back for any time, and a timer must ask it every
 * minute what is due.
 */
export class InMemoryRetryTable implements DueTable {
  public readonly name = 'dynamodb';
  public readonly maxBatchEntries = 25;
  public readonly maxBatchBytes = 16 * KIBIBYTE * KIBIBYTE;
  public readonly maxBodyBytes = 390 * KIBIBYTE;
  public readonly longestDelay = Infinity;
  /** By due time and what tells an envelope from all others: one that is stored twice for the same time is one item, with a new key. */
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

  public async send(dispatches: readonly Dispatch[]): Promise<readonly Sent[]> {
    return takeBatch(this, dispatches, ({ envelope, body }) => {
      this.sent += 1;
      const at = envelope.notBefore ?? this.clock.now();
      const item = [at, envelope.executionId, envelope.step, envelope.parent, envelope.timeout ? 'timeout' : envelope.attempt].join('#');
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
