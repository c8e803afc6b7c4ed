import { CloudWatchClient, PutMetricDataCommand, type MetricDatum } from '@aws-sdk/client-cloudwatch';
import type { Clock } from '../../engine/ports';
import type { Logger } from '../../machine';
import { MONITORING_CLIENT_OPTIONS } from '../client-options';
import { NAMESPACE } from './collected-metrics';
import { PutMetrics } from './put-metrics';

/** What CloudWatch does for a workflow, where metrics are put by requests. */
export class CloudWatch {
  private readonly client = new CloudWatchClient(MONITORING_CLIENT_OPTIONS);

  constructor(private readonly system: { readonly clock: Clock; readonly logger: Logger }) {}

  /** @param workflow name of the workflow */
  public metrics(workflow: string): PutMetrics {
    return new PutMetrics(workflow, this.system.clock, (metrics) => this.put(metrics));
  }

  /** Closes its connections. */
  public close(): void {
    this.client.destroy();
  }

  /** A gap in a graph is nothing to trouble an execution with. */
  private async put(metrics: readonly MetricDatum[]): Promise<void> {
    try {
      await this.client.send(new PutMetricDataCommand({ Namespace: NAMESPACE, MetricData: [...metrics] }));
    } catch (thrown) {
      this.system.logger.warn(`CloudWatch did not take ${metrics.length} metrics: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  }
}
