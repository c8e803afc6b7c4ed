import { CollectedMetrics, dimensionsOf, type Group } from './collected-metrics';
import { METRIC_NAMESPACE } from '../../contract/metrics';
import type { Clock, MeasureName, MetricName, Metrics } from '../../engine/ports';

/** The maximum number of values of one metric in one line. */
const MAX_VALUES = 100;

/** A metric of one line. */
interface LineMetric {
  readonly name: string;
  readonly unit: string;
  readonly value: number | readonly number[];
}

/**
 * Writes metrics to the standard output in the CloudWatch embedded metric format, from which CloudWatch Logs extracts them. Sends no request.
 *
 * A flush writes one line for each machine and state with counters or measurements. Each counter and value belongs to the dimension sets
 * [workflow], [workflow, machine] and [workflow, machine, state], so that sums and percentiles are correct on each. CloudWatch bills each
 * combination of a name and a dimension set as one metric: at most (names of {@link MetricName} and {@link MeasureName}) ·
 * (1 + machines + states), less the combinations that never occur.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export class EmbeddedMetrics implements Metrics {
  private readonly collected = new CollectedMetrics();

  /** @param write writes lines, each of which includes its newline */
  constructor(
    private readonly workflow: string,
    private readonly clock: Clock,
    private readonly write: (lines: string) => void = (lines) => {
      process.stdout.write(lines);
    },
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
    this.write(
      groups
        .flatMap((group) => this.linesOf(group))
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    );
  }

  /** One line, and further lines if a metric has more values than one line allows. */
  private linesOf(group: Group): object[] {
    const counts = [...group.counters].map(([name, value]) => ({ name, unit: 'Count', value }));
    const longest = Math.max(1, ...[...group.measured.values()].map(({ length }) => length));
    return Array.from({ length: Math.ceil(longest / MAX_VALUES) }, (_, index) => {
      const from = index * MAX_VALUES;
      const values = [...group.measured]
        .filter(([, { length }]) => length > from)
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
        CloudWatchMetrics: [
          {
            Namespace: METRIC_NAMESPACE,
            Dimensions: names.map((_, index) => names.slice(0, index + 1)),
            Metrics: metrics.map(({ name, unit }) => ({ Name: name, Unit: unit })),
          },
        ],
      },
      ...dimensions,
      ...Object.fromEntries(metrics.map((metric) => [metric.name, metric.value])),
    };
  }
}
