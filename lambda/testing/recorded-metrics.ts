import type { MeasureName, MetricName, Metrics } from '../engine';

/** One counter of {@link MetricTotals}. */
export interface MetricTotal {
  readonly name: MetricName;
  readonly machine?: string;
  readonly state?: string;
  readonly count: number;
}

/** One value of {@link MetricTotals}. */
export interface Measurement {
  readonly name: MeasureName;
  readonly milliseconds: number;
  readonly machine?: string;
  readonly state?: string;
}

/** What all invocations have counted and written out. */
export class MetricTotals {
  private readonly counters = new Map<string, MetricTotal>();
  private readonly measured: Measurement[] = [];

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

  /** The milliseconds that were measured, in their order: of everything, of one machine, or of one state of it. */
  public millisecondsOf(name: MeasureName, machine?: string, state?: string): readonly number[] {
    return this.measured
      .filter((measurement) => measurement.name === name)
      .filter((measurement) => machine === undefined || measurement.machine === machine)
      .filter((measurement) => state === undefined || measurement.state === state)
      .map(({ milliseconds }) => milliseconds);
  }

  /** Adds a measured value. */
  public addMeasurement(measurement: Measurement): void {
    this.measured.push(measurement);
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
  private measured: Measurement[] = [];

  /** @param totals where a flush adds to */
  constructor(private readonly totals: MetricTotals) {}

  public count(name: MetricName, machine?: string, state?: string): void {
    this.pending.push([name, machine, state]);
  }

  public measure(name: MeasureName, milliseconds: number, machine?: string, state?: string): void {
    this.measured.push({ name, milliseconds, machine, state });
  }

  public async flush(): Promise<void> {
    const { pending: counted, measured } = this;
    this.pending = [];
    this.measured = [];
    measured.forEach((measurement) => this.totals.addMeasurement(measurement));
    counted.forEach((entry) => this.totals.add(...entry));
  }
}
