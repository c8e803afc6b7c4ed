import { CloudWatchClient, PutMetricDataCommand, type MetricDatum } from '@aws-sdk/client-cloudwatch';
import { METRIC_NAMESPACE } from '../../contract/metrics';
import type { Clock } from '../../engine/ports';
import type { Logger } from '../../machine';
import { toError } from '../../machine/to-error';
import { MONITORING_CLIENT_OPTIONS } from '../client-options';
import { PutMetrics } from './put-metrics';

/** Sends the metrics of a workflow to CloudWatch. */
export class CloudWatch {
  private readonly client = new CloudWatchClient(MONITORING_CLIENT_OPTIONS);

  constructor(private readonly system: { readonly clock: Clock; readonly logger: Logger }) {}

  /** @param workflow the name of the workflow */
  public metrics(workflow: string): PutMetrics {
    return new PutMetrics(workflow, this.system.clock, (metrics) => this.put(metrics));
  }

  /** Closes the connections. */
  public close(): void {
    this.client.destroy();
  }

  /** Never rejects: missing metrics must not fail an execution. */
  private async put(metrics: readonly MetricDatum[]): Promise<void> {
    try {
      await this.client.send(new PutMetricDataCommand({ Namespace: METRIC_NAMESPACE, MetricData: [...metrics] }));
    } catch (thrown) {
      this.system.logger.warn(`CloudWatch did not accept ${metrics.length} metrics: ${toError(thrown).message}`);
    }
  }
}
