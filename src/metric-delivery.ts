/** The namespace of the metrics of all workflows. */
export const NAMESPACE = 'CdkLambdaFsm';

/** How metrics come to CloudWatch. */
export enum MetricDelivery {
  /**
   * With the logs of the function, in the embedded metric format, from which CloudWatch takes them. No request is made for it, and nothing
   * waits.
   *
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html
   */
  EMBEDDED_FORMAT = 'EMBEDDED_FORMAT',
  /**
   * By requests that the function makes at the end of each invocation, usually one. For functions whose logs go elsewhere, or are no place
   * for metrics. What CloudWatch does not take within a second or two is lost. In a network the function needs a way to CloudWatch.
   *
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
   */
  PUT_METRIC_DATA = 'PUT_METRIC_DATA',
}
