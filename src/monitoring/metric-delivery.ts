/** How the metrics of a workflow reach CloudWatch. */
export enum MetricDelivery {
  /**
   * In the function's logs, in the embedded metric format, from which CloudWatch extracts them. This needs no requests and adds no latency.
   *
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html
   */
  EMBEDDED_FORMAT = 'EMBEDDED_FORMAT',
  /**
   * By PutMetricData requests at the end of each invocation, usually one. For functions whose logs do not go to CloudWatch Logs. Metrics that
   * CloudWatch does not accept within about two seconds are lost. A function in a VPC needs a route to CloudWatch.
   *
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
   */
  PUT_METRIC_DATA = 'PUT_METRIC_DATA',
}
