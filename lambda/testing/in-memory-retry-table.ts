import type { Clock, Dispatch, Sent, Transport } from '../engine/ports';

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

/**
 * A retry queue in memory that behaves like the one on DynamoDB: it holds an envelope back for any time, and a timer sends what is due
 * to the event source.
 */
export class InMemoryRetryTable implements Transport {
  public readonly name = 'dynamodb';
  public readonly maxBatchEntries = 25;
  public readonly maxBatchBytes = 16 * KIBIBYTE * KIBIBYTE;
  public readonly maxBodyBytes = 390 * KIBIBYTE;
  public readonly longestDelay = Infinity;
  private readonly waiting = new Map<string, Dispatch & { readonly due: number }>();
  private readonly clock: Clock;
  private readonly resource: string;
  private sent = 0;

  constructor(options: InMemoryRetryTableOptions) {
    this.clock = options.clock;
    this.resource = options.resource ?? 'retries';
  }

  /** How many envelopes it holds. */
  public get size(): number {
    return this.waiting.size;
  }

  /** When the next envelope is due, in milliseconds since the epoch. */
  public get nextAt(): number | undefined {
    return this.waiting.size === 0 ? undefined : Math.min(...[...this.waiting.values()].map(({ due }) => due));
  }

  public async send(dispatches: readonly Dispatch[]): Promise<readonly Sent[]> {
    return dispatches.map(({ envelope, body }) => {
      this.sent += 1;
      const messageId = `${this.resource}-${this.sent}`;
      this.waiting.set(messageId, { envelope, body, due: envelope.notBefore ?? this.clock.now() });
      return { ok: true, journaled: false, place: { service: this.name, resource: this.resource, messageId } };
    });
  }

  /** What is due now, oldest first, with the name under which to {@link remove} it. */
  public due(): readonly (readonly [messageId: string, dispatch: Dispatch])[] {
    const now = this.clock.now();
    return [...this.waiting]
      .filter(([, { due }]) => due <= now)
      .sort(([, a], [, b]) => a.due - b.due)
      .map(([messageId, { envelope, body }]) => [messageId, { envelope, body }]);
  }

  /** Forgets an envelope that was sent on. */
  public remove(messageId: string): void {
    this.waiting.delete(messageId);
  }
}
