import type { Definitions } from './definitions';
import type { MeasureName, MetricName, Metrics } from './ports';

/**
 * Metrics on the names of the deployed definitions alone: a stranger's message can neither make up any number of metrics, nor have its text
 * written into the log with them.
 */
export class BoundedMetrics implements Metrics {
  constructor(private readonly metrics: Metrics, private readonly definitions: Definitions) {}

  public count(name: MetricName, machine?: string, state?: string): void {
    this.metrics.count(name, ...this.known(machine, state));
  }

  public measure(name: MeasureName, milliseconds: number, machine?: string, state?: string): void {
    this.metrics.measure(name, milliseconds, ...this.known(machine, state));
  }

  public flush(): Promise<void> {
    return this.metrics.flush();
  }

  private known(machine?: string, state?: string): [machine?: string, state?: string] {
    if (machine === undefined || !this.definitions.current(machine)) return [];
    return state !== undefined && this.definitions.hasState(machine, state) ? [machine, state] : [machine];
  }
}
