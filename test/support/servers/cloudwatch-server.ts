import type { IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { ServiceServer, type Answer } from './service-server';
import { METRIC_NAMESPACE } from '../../../lambda/contract/metrics';

/** A metric of a request. */
export interface PutMetric {
  readonly MetricName: string;
  readonly Dimensions: readonly { readonly Name: string; readonly Value: string }[];
  readonly Timestamp: number;
  readonly Unit: string;
  readonly Value?: number;
  readonly Values?: readonly number[];
}

/** A server for `PutMetricData` of Amazon CloudWatch: implements the protocol of the service and enforces its limits. */
export class CloudWatchServer extends ServiceServer {
  /** The accepted metrics of each request. */
  public readonly requests: PutMetric[][] = [];
  /** How the server responds. */
  public mood: 'well' | 'broken' | 'silent' = 'well';

  protected answer(request: IncomingMessage, sent: Buffer): Answer | undefined {
    if (this.mood === 'silent') return undefined;
    const refuse = (type: string): Answer => [400, { __type: type, message: type }];
    if (this.mood === 'broken') return [500, { __type: 'InternalServiceFault', message: 'broken' }];
    if (request.headers['x-amz-target'] !== 'GraniteServiceVersion20100801.PutMetricData') {
      return refuse('UnknownOperationException');
    }
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    if (body.length > 1_048_576) return refuse('RequestEntityTooLarge');
    const { Namespace: namespace, MetricData: metrics } = JSON.parse(body.toString()) as {
      Namespace: string;
      MetricData: PutMetric[];
    };
    if (namespace !== METRIC_NAMESPACE) return refuse('AccessDenied');
    if (metrics.length === 0 || metrics.length > 1_000 || !metrics.every(isValid)) {
      return refuse('InvalidParameterValue');
    }
    this.requests.push(metrics);
    return [200, {}];
  }
}

/** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html */
function isValid({
  MetricName: name,
  Dimensions: dimensions,
  Timestamp: at,
  Value: value,
  Values: values,
}: PutMetric): boolean {
  if (name.length === 0 || name.length > 255 || typeof at !== 'number') return false;
  if (!dimensions.every((dimension) => /^[\x20-\x39\x3b-\x7e][\x20-\x7e]{0,1023}$/.test(dimension.Value))) return false;
  return typeof value === 'number'
    ? values === undefined
    : values !== undefined && values.length >= 1 && values.length <= 150;
}
