import type { Clock, MetricName, Metrics } from '../../engine/ports';

/** The namespace of all metrics. */
export const NAMESPACE = 'CdkLambdaFsm';

/** The longest value of a dimension, in characters. @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html */
const MAX_DIMENSION_LENGTH = 1_024;

interface Group {
  readonly machine?: string;
  readonly state?: string;
  readonly counters: Map<MetricName, number>;
}

/**
 * Metrics in the embedded metric format of CloudWatch: lines on the standard output, from which CloudWatch Logs extracts the metrics. No
 * request is made.
 *
 * A flush writes one line for each machine and state that something was counted for, with all its counters. Each counter goes to the
 * dimension sets [workflow], [workflow, machine] and [workflow, machine, state], so that its sum is right on every level. CloudWatch bills
 * each combination of a name and a dimension set as a metric: there are at most 16 · (1 + machines + states) of them.
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
    const key = `${machine ?? ''}\n${state ?? ''}`;
    let group = this.groups.get(key);
    if (!group) {
      group = { machine, state, counters: new Map() };
      this.groups.set(key, group);
    }
    group.counters.set(name, (group.counters.get(name) ?? 0) + 1);
  }

  public flush(): void {
    if (this.groups.size === 0) {
      return;
    }
    const groups = this.groups;
    this.groups = new Map();
    this.write([...groups.values()].map((group) => `${JSON.stringify(this.lineOf(group))}\n`).join(''));
  }

  private lineOf({ machine, state, counters }: Group): object {
    const dimensions = {
      workflow: value(this.workflow),
      ...machine ? { machine: value(machine) } : {},
      ...machine && state ? { state: value(state) } : {},
    };
    const names = Object.keys(dimensions);
    return {
      _aws: {
        Timestamp: this.clock.now(),
        CloudWatchMetrics: [{
          Namespace: NAMESPACE,
          Dimensions: names.map((_, index) => names.slice(0, index + 1)),
          Metrics: [...counters.keys()].map((Name) => ({ Name, Unit: 'Count' })),
        }],
      },
      ...dimensions,
      ...Object.fromEntries(counters),
    };
  }
}

/** A dimension takes printable ASCII only, and nothing that begins with a colon. What else a name has is percent-encoded, byte by byte. */
function value(name: string): string {
  const encode = (part: string) => [...Buffer.from(part)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
  return name.replace(/^:|[^\x20-\x7e]/gu, encode).slice(0, MAX_DIMENSION_LENGTH);
}
