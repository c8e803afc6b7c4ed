import type { MetricDatum } from '@aws-sdk/client-cloudwatch';
import { CollectedMetrics, dimensionsOf } from './collected-metrics';
import type { Clock, MeasureName, MetricName, Metrics } from '../../engine/ports';
import { slices } from '../batches/slices';

/** The limits of one PutMetricData request. @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html */
const MAX_METRICS = 1_000;
const MAX_VALUES = 150;
/** Slightly less than the limit of 1 MiB, to leave room for the rest of the request. */
const MAX_BYTES = 1_000_000;

/** Sends the metrics of one request. Never rejects. */
export type MetricSink = (metrics: readonly MetricDatum[]) => Promise<void>;

/**
 * Sends metrics with PutMetricData: the same metrics as in the embedded metric format, on the same dimension sets. CloudWatch does not
 * aggregate data across dimension sets, so this class does.
 */
export class PutMetrics implements Metrics {
  private readonly collected = new CollectedMetrics();

  constructor(
    private readonly workflow: string,
    private readonly clock: Clock,
    private readonly put: MetricSink,
  ) {}

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
      const metric = (MetricName: string): MetricDatum => ({
        MetricName,
        Dimensions: dimensions,
        Timestamp: timestamp,
      });
      return [
        ...[...group.counters].map(([name, value]): MetricDatum => ({ ...metric(name), Unit: 'Count', Value: value })),
        ...[...group.measured].flatMap(([name, values]) =>
          slices(values, MAX_VALUES).map((part): MetricDatum => ({
            ...metric(name),
            Unit: 'Milliseconds',
            Values: part,
          })),
        ),
      ];
    });
  }
}

/** Splits metrics so that each part is within the limits of one request. */
function inRequests(metrics: readonly MetricDatum[]): MetricDatum[][] {
  const requests: MetricDatum[][] = [];
  let bytes = Infinity;
  for (const metric of metrics) {
    // The JSON is ASCII, so its length is its size in bytes.
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
