import type { MeasureName, MetricName, Metrics } from '../../engine';

/** A counter of {@link WorkflowMetrics}. */
export interface MetricTotal {
  readonly name: MetricName;
  readonly machine?: string;
  readonly state?: string;
  readonly count: number;
}

/** A measured value, in milliseconds. */
export interface Measurement {
  readonly name: MeasureName;
  readonly milliseconds: number;
  readonly machine?: string;
  readonly state?: string;
}

/** The metrics that a workflow's function has emitted. */
export interface WorkflowMetrics {
  /** All counters above zero, in the order of their first emission. */
  readonly all: readonly MetricTotal[];
  /** Returns the sum of a counter: in total, for one machine, or for one state of a machine. */
  of(name: MetricName, machine?: string, state?: string): number;
  /** Returns the measured values in milliseconds, in order: all of them, or those of one machine or one state of a machine. */
  millisecondsOf(name: MeasureName, machine?: string, state?: string): readonly number[];
}

/** Sums up the flushed metrics of all invocations. */
export class MetricTotals implements WorkflowMetrics {
  private readonly counters = new Map<string, MetricTotal>();
  private readonly measured: Measurement[] = [];

  public get all(): readonly MetricTotal[] {
    return [...this.counters.values()];
  }

  public of(name: MetricName, machine?: string, state?: string): number {
    return this.all
      .filter((total) => total.name === name)
      .filter((total) => machine === undefined || total.machine === machine)
      .filter((total) => state === undefined || total.state === state)
      .reduce((sum, total) => sum + total.count, 0);
  }

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

/** The {@link Metrics} of one execution environment. A crash loses the values that are not flushed. */
export class RecordedMetrics implements Metrics {
  private pending: [MetricName, string | undefined, string | undefined][] = [];
  private measured: Measurement[] = [];

  /** @param totals receives the flushed values */
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
