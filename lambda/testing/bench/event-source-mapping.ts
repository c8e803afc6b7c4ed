import type { SimulatedFunction } from './simulated-function';
import type { Delivery, Outcome } from '../../engine';
import type { PolledSource } from '../services/polled-source';

/** Options of {@link EventSourceMapping}. */
export interface EventSourceMappingOptions {
  readonly source: PolledSource;
  readonly function: SimulatedFunction;
  /** Maximum number of records in a batch: an integer ≥ 1. */
  readonly batchSize: number;
  /** Maximum number of concurrent invocations for this source: an integer ≥ 1. */
  readonly concurrency: number;
}

/** Polls a source and invokes the function with batches, as an event source mapping of Lambda does. */
export class EventSourceMapping {
  private running = 0;

  constructor(private readonly options: EventSourceMappingOptions) {}

  /** The time of the next invocation, in milliseconds since the epoch; `undefined` if no message waits or the concurrency is used up. */
  public get nextAt(): number | undefined {
    return this.running < this.options.concurrency ? this.options.source.nextAt : undefined;
  }

  /**
   * Invokes the function with the messages that can be delivered now.
   *
   * @param onError called if an invocation throws, which a handler must not do
   * @returns whether there were any messages
   */
  public poll(onError: (error: unknown) => void): boolean {
    const { source, batchSize, concurrency } = this.options;
    let polled = false;
    while (this.running < concurrency) {
      const batch = source.take(batchSize);
      if (batch.length === 0) {
        break;
      }
      polled = true;
      this.running += 1;
      void this.process(batch, onError);
    }
    return polled;
  }

  private async process(batch: readonly Delivery[], onError: (error: unknown) => void): Promise<void> {
    let outcomes: ReadonlyMap<string, Outcome> | undefined;
    try {
      outcomes = await this.options.function.process(batch);
    } catch (error) {
      onError(error);
    }
    this.running -= 1;
    this.options.source.settle(batch, outcomes ?? new Map());
  }
}
