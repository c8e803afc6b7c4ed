import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { MeasureName, MetricName } from '#contract';
import type { BrokerResource } from '../brokers/broker';

/**
 * The parts of a workflow that its alarms and its dashboard read. `FsmWorkflow` implements it.
 *
 * @internal
 */
export interface MonitoredWorkflow {
  readonly workflowName: string;
  readonly function: lambda.Function;
  readonly deadLetterQueue: sqs.IQueue;
  readonly eventSource: BrokerResource;
  readonly failoverEventSource?: BrokerResource;
  readonly retryQueue: BrokerResource;
  readonly failoverRetryQueue?: BrokerResource;
  metric(metricName: MetricName | MeasureName, props?: cloudwatch.MetricOptions): cloudwatch.Metric;
  metricFailoverMinutes(props?: cloudwatch.MathExpressionOptions): cloudwatch.MathExpression;
  metricStepDuration(props?: cloudwatch.MetricOptions): cloudwatch.Metric;
  metricEnvelopeAge(props?: cloudwatch.MetricOptions): cloudwatch.Metric;
}
