import type { Definitions } from '../definitions/definitions';
import type { MeasureName, MetricName, Metrics } from '../ports';

/**
 * Keeps unknown names out of the metrics. A forged message can neither create any number of metrics nor write its text into the log
 * through them.
 */
export class BoundedMetrics implements Metrics {
  constructor(
    private readonly metrics: Metrics,
    private readonly definitions: Definitions,
  ) {}

  public count(name: MetricName, machine?: string, state?: string): void {
    this.metrics.count(name, ...this.known(machine, state));
  }

  public measure(name: MeasureName, milliseconds: number, machine?: string, state?: string): void {
    this.metrics.measure(name, milliseconds, ...this.known(machine, state));
  }

  public flush(): Promise<void> {
    return this.metrics.flush();
  }

  /** Returns the names that a deployed definition has. */
  private known(machine?: string, state?: string): [machine?: string, state?: string] {
    if (machine === undefined || !this.definitions.current(machine)) return [];
    return state !== undefined && this.definitions.hasState(machine, state) ? [machine, state] : [machine];
  }
}
