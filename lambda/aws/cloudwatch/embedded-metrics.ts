import { CollectedMetrics, dimensionsOf, NAMESPACE, type Group } from './collected-metrics';
import type { Clock, MeasureName, MetricName, Metrics } from '../../engine/ports';

/** Most values that one line may have of one metric. */
const MAX_VALUES = 100;

/** A metric as a line has it. */
interface LineMetric {
  readonly name: string;
  readonly unit: string;
  readonly value: number | readonly number[];
}

/**
 * Metrics in the embedded metric format of CloudWatch: lines on the standard output, from which CloudWatch Logs extracts the metrics. No
 * request is made.
 *
 * A flush writes a line for each machine and state that something was counted or measured for, with all of it. Each counter and value goes
 * to the dimension sets [workflow], [workflow, machine] and [workflow, machine, state], so that sums and percentiles are right on each.
 * CloudWatch bills each combination of a name and a dimension set as a metric: at most (names of {@link MetricName} and
 * {@link MeasureName}) · (1 + machines + states), less those that are never written.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export class EmbeddedMetrics implements Metrics {
  private readonly collected = new CollectedMetrics();

  /** @param write takes lines, with a newline at the end of each */
  constructor(
    private readonly workflow: string,
    private readonly clock: Clock,
    private readonly write: (lines: string) => void = (lines) => { process.stdout.write(lines); },
  ) {}

  public count(name: MetricName, machine?: string, state?: string): void {
    this.collected.count(name, machine, state);
  }

  public measure(name: MeasureName, milliseconds: number, machine?: string, state?: string): void {
    this.collected.measure(name, milliseconds, machine, state);
  }

  public async flush(): Promise<void> {
    const groups = this.collected.take();
    if (groups.length === 0) return;
    this.write(groups.flatMap((group) => this.linesOf(group)).map((line) => `${JSON.stringify(line)}\n`).join(''));
  }

  /** One line, and further ones for the values that it has no room for. */
  private linesOf(group: Group): object[] {
    const counts = [...group.counters].map(([name, value]) => ({ name, unit: 'Count', value }));
    const longest = Math.max(1, ...[...group.measured.values()].map(({ length }) => length));
    return Array.from({ length: Math.ceil(longest / MAX_VALUES) }, (_, index) => {
      const from = index * MAX_VALUES;
      const values = [...group.measured].filter(([, { length }]) => length > from)
        .map(([name, all]) => ({ name, unit: 'Milliseconds', value: all.slice(from, from + MAX_VALUES) }));
      return this.lineOf(group, index === 0 ? [...counts, ...values] : values);
    });
  }

  private lineOf(group: Group, metrics: readonly LineMetric[]): object {
    const dimensions = dimensionsOf(this.workflow, group);
    const names = Object.keys(dimensions);
    return {
      _aws: {
        Timestamp: this.clock.now(),
        CloudWatchMetrics: [{
          Namespace: NAMESPACE,
          Dimensions: names.map((_, index) => names.slice(0, index + 1)),
          Metrics: metrics.map(({ name, unit }) => ({ Name: name, Unit: unit })),
        }],
      },
      ...dimensions,
      ...Object.fromEntries(metrics.map((metric) => [metric.name, metric.value])),
    };
  }
}
