import type { MetricDatum } from '@aws-sdk/client-cloudwatch';
import { CollectedMetrics, dimensionsOf } from './collected-metrics';
import type { Clock, MeasureName, MetricName, Metrics } from '../../engine/ports';

/** The limits of one request. @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html */
const MAX_METRICS = 1_000;
const MAX_VALUES = 150;
/** A little less than 1 MB, for what is around the metrics. */
const MAX_BYTES = 1_000_000;

/** Takes metrics, as many as one request can have. Never rejects. */
export type MetricSink = (metrics: readonly MetricDatum[]) => Promise<void>;

/**
 * Metrics that are put by requests: the same as those in the embedded format, on the same dimension sets. CloudWatch does not add up what
 * it is given on several sets, so that is done here.
 */
export class PutMetrics implements Metrics {
  private readonly collected = new CollectedMetrics();

  constructor(private readonly workflow: string, private readonly clock: Clock, private readonly put: MetricSink) {}

  public count(name: MetricName, machine?: string, state?: string): void {
    this.collected.count(name, machine, state);
  }

  public measure(name: MeasureName, milliseconds: number, machine?: string, state?: string): void {
    this.collected.measure(name, milliseconds, machine, state);
  }

  public async flush(): Promise<void> {
    const sums = new CollectedMetrics();
    for (const group of this.collected.take()) {
      const { machine, state } = group;
      sums.merge(undefined, undefined, group);
      if (machine) sums.merge(machine, undefined, group);
      if (machine && state) sums.merge(machine, state, group);
    }
    await Promise.all(inRequests(this.metricsOf(sums)).map((metrics) => this.put(metrics)));
  }

  private metricsOf(sums: CollectedMetrics): MetricDatum[] {
    const timestamp = new Date(this.clock.now());
    return sums.take().flatMap((group) => {
      const dimensions = Object.entries(dimensionsOf(this.workflow, group)).map(([Name, Value]) => ({ Name, Value }));
      const metric = (MetricName: string): MetricDatum => ({ MetricName, Dimensions: dimensions, Timestamp: timestamp });
      return [
        ...[...group.counters].map(([name, value]): MetricDatum => ({ ...metric(name), Unit: 'Count', Value: value })),
        ...[...group.measured].flatMap(([name, values]) => parts(values, MAX_VALUES).map((part): MetricDatum => (
          { ...metric(name), Unit: 'Milliseconds', Values: part }
        ))),
      ];
    });
  }
}

/** Split so that each part is within the limits of a request. */
function inRequests(metrics: readonly MetricDatum[]): MetricDatum[][] {
  const requests: MetricDatum[][] = [];
  let bytes = Infinity;
  for (const metric of metrics) {
    // All of it is ASCII.
    const own = JSON.stringify(metric).length;
    const last = requests.at(-1);
    if (!last || last.length === MAX_METRICS || bytes + own > MAX_BYTES) {
      requests.push([metric]);
      bytes = own;
    } else {
      last.push(metric);
      bytes += own;
    }
  }
  return requests;
}

function parts<T>(values: readonly T[], length: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / length) }, (_, index) => values.slice(index * length, (index + 1) * length));
}
