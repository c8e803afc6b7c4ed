import type { MetricName, Metrics } from '../engine';

/** One counter of {@link MetricTotals}. */
export interface MetricTotal {
  readonly name: MetricName;
  readonly machine?: string;
  readonly state?: string;
  readonly count: number;
}

/** What all invocations have counted and written out. */
export class MetricTotals {
  private readonly counters = new Map<string, MetricTotal>();

  /** All counters that are not zero, in the order in which they were first written. */
  public get all(): readonly MetricTotal[] {
    return [...this.counters.values()];
  }

  /** The sum of a counter: over everything, over one machine, or over one state of it. */
  public of(name: MetricName, machine?: string, state?: string): number {
    return this.all
      .filter((total) => total.name === name)
      .filter((total) => machine === undefined || total.machine === machine)
      .filter((total) => state === undefined || total.state === state)
      .reduce((sum, total) => sum + total.count, 0);
  }

  /** Adds one to a counter. */
  public add(name: MetricName, machine?: string, state?: string): void {
    const key = JSON.stringify([name, machine, state]);
    const count = (this.counters.get(key)?.count ?? 0) + 1;
    this.counters.set(key, { name, machine, state, count });
  }
}

/** The {@link Metrics} of one invocation environment: what it has not flushed when it dies is not counted. */
export class RecordedMetrics implements Metrics {
  private pending: [MetricName, string | undefined, string | undefined][] = [];

  /** @param totals where a flush adds to */
  constructor(private readonly totals: MetricTotals) {}

  public count(name: MetricName, machine?: string, state?: string): void {
    this.pending.push([name, machine, state]);
  }

  public flush(): void {
    const counted = this.pending;
    this.pending = [];
    counted.forEach((entry) => this.totals.add(...entry));
  }
}
