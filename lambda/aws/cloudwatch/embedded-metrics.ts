import type { Clock, MeasureName, MetricName, Metrics } from '../../engine/ports';

/** The namespace of all metrics. */
export const NAMESPACE = 'CdkLambdaFsm';

/** The longest value of a dimension, in characters. @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html */
const MAX_DIMENSION_LENGTH = 1_024;

/** Most values that one line may have of one metric. */
const MAX_VALUES = 100;

interface Group {
  readonly machine?: string;
  readonly state?: string;
  readonly counters: Map<MetricName, number>;
  /** Milliseconds. */
  readonly measured: Map<MeasureName, number[]>;
}

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
  private groups = new Map<string, Group>();

  /** @param write takes lines, with a newline at the end of each */
  constructor(
    private readonly workflow: string,
    private readonly clock: Clock,
    private readonly write: (lines: string) => void = (lines) => { process.stdout.write(lines); },
  ) {}

  public count(name: MetricName, machine?: string, state?: string): void {
    const { counters } = this.groupOf(machine, state);
    counters.set(name, (counters.get(name) ?? 0) + 1);
  }

  public measure(name: MeasureName, milliseconds: number, machine?: string, state?: string): void {
    const { measured } = this.groupOf(machine, state);
    const values = measured.get(name);
    if (values) values.push(milliseconds);
    else measured.set(name, [milliseconds]);
  }

  public flush(): void {
    if (this.groups.size === 0) {
      return;
    }
    const groups = this.groups;
    this.groups = new Map();
    this.write([...groups.values()].flatMap((group) => this.linesOf(group)).map((line) => `${JSON.stringify(line)}\n`).join(''));
  }

  private groupOf(machine?: string, state?: string): Group {
    const key = `${machine ?? ''}\n${state ?? ''}`;
    let group = this.groups.get(key);
    if (!group) {
      group = { machine, state, counters: new Map(), measured: new Map() };
      this.groups.set(key, group);
    }
    return group;
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

  private lineOf({ machine, state }: Group, metrics: readonly LineMetric[]): object {
    const dimensions = {
      workflow: dimension(this.workflow),
      ...machine ? { machine: dimension(machine) } : {},
      ...machine && state ? { state: dimension(state) } : {},
    };
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

/** A dimension takes printable ASCII only, and nothing that begins with a colon. What else a name has is percent-encoded, byte by byte. */
function dimension(name: string): string {
  const encode = (part: string) => [...Buffer.from(part)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
  return name.replace(/^:|[^\x20-\x7e]/gu, encode).slice(0, MAX_DIMENSION_LENGTH);
}
