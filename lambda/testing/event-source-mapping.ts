import type { Delivery, Outcome } from '../engine';
import type { PolledSource } from './polled-source';
import type { TestFunction } from './test-function';

/** Options of {@link EventSourceMapping}. */
export interface EventSourceMappingOptions {
  readonly source: PolledSource;
  readonly function: TestFunction;
  /** Most records of a batch: an integer ≥ 1. */
  readonly batchSize: number;
  /** Most invocations at once for this source: an integer ≥ 1. */
  readonly concurrency: number;
}

/** Takes batches from a source and calls the function with them, as Lambda does it. */
export class EventSourceMapping {
  private running = 0;

  constructor(private readonly options: EventSourceMappingOptions) {}

  /** When it can call the function next, in milliseconds since the epoch; `undefined` when nothing waits or all invocations are busy. */
  public get nextAt(): number | undefined {
    return this.running < this.options.concurrency ? this.options.source.nextAt : undefined;
  }

  /**
   * Calls the function with what can be delivered now.
   *
   * @param failed told of an invocation that threw, which a handler must not do
   * @returns whether there was anything
   */
  public poll(failed: (error: unknown) => void): boolean {
    const { source, batchSize, concurrency } = this.options;
    let polled = false;
    while (this.running < concurrency) {
      const batch = source.take(batchSize);
      if (batch.length === 0) {
        break;
      }
      polled = true;
      this.running += 1;
      void this.process(batch, failed);
    }
    return polled;
  }

  private async process(batch: readonly Delivery[], failed: (error: unknown) => void): Promise<void> {
    let outcomes: ReadonlyMap<string, Outcome> | undefined;
    try {
      outcomes = await this.options.function.process(batch);
    } catch (error) {
      failed(error);
    }
    this.running -= 1;
    this.options.source.settle(batch, outcomes ?? new Map());
  }
}
