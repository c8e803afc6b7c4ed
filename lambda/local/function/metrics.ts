/** The sums of metrics, by name. */
export type MetricSums = Readonly<Record<string, number>>;

/**
 * Sums up the metrics that functions write to their standard output in the CloudWatch embedded metric format.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export class MetricCollector {
  private readonly values = new Map<string, number>();

  public get sums(): MetricSums {
    return Object.fromEntries(this.values);
  }

  /** Reads a line of output, and returns whether it contained metrics. */
  public collect(line: string): boolean {
    if (!line.startsWith('{') || !line.includes('"_aws"')) {
      return false;
    }
    const parsed = parse(line);
    const directives = parsed?._aws?.CloudWatchMetrics;
    for (const { Metrics = [] } of directives ?? []) {
      for (const { Name } of Metrics) {
        const value = parsed?.[Name];
        const sum = [value].flat().reduce<number>((total, each) => total + (typeof each === 'number' ? each : 0), 0);
        this.values.set(Name, (this.values.get(Name) ?? 0) + sum);
      }
    }
    return directives !== undefined;
  }
}

interface MetricLine {
  readonly _aws?: {
    readonly CloudWatchMetrics?: readonly { readonly Metrics?: readonly { readonly Name: string }[] }[];
  };
  readonly [name: string]: unknown;
}

function parse(line: string): MetricLine | undefined {
  try {
    // A line with `_aws.CloudWatchMetrics` has this shape: CloudWatch rejects all others.
    return JSON.parse(line) as MetricLine;
  } catch {
    return undefined;
  }
}
