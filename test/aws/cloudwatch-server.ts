import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** A metric as it comes over the wire. */
export interface PutMetric {
  readonly MetricName: string;
  readonly Dimensions: readonly { readonly Name: string; readonly Value: string }[];
  readonly Timestamp: number;
  readonly Unit: string;
  readonly Value?: number;
  readonly Values?: readonly number[];
}

/** Amazon CloudWatch, as far as `PutMetricData` goes, on loopback: it speaks the protocol of the service and keeps its limits. */
export class CloudWatchServer {
  public static async start(): Promise<CloudWatchServer> {
    const cloudWatch = new CloudWatchServer();
    await new Promise<void>((resolve) => cloudWatch.server.listen(0, '127.0.0.1', resolve));
    return cloudWatch;
  }

  /** The metrics that were taken, request by request. */
  public readonly requests: PutMetric[][] = [];
  /** How it answers. */
  public mood: 'well' | 'broken' | 'silent' = 'well';
  private readonly server: Server = createServer((request, response) => void this.handle(request, response));

  public get endpoint(): string {
    // A listening TCP server has an address with a port.
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  public async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (this.mood === 'silent') return;
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
      response.end(JSON.stringify(body));
    };
    const refuse = (type: string) => answer(400, { __type: type, message: type });
    if (this.mood === 'broken') return answer(500, { __type: 'InternalServiceFault', message: 'broken' });
    if (request.headers['x-amz-target'] !== 'GraniteServiceVersion20100801.PutMetricData') return refuse('UnknownOperationException');
    const sent = Buffer.concat(chunks);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    if (body.length > 1_048_576) return refuse('RequestEntityTooLarge');
    const { Namespace: namespace, MetricData: metrics } = JSON.parse(body.toString()) as { Namespace: string; MetricData: PutMetric[] };
    if (namespace !== 'CdkLambdaFsm') return refuse('AccessDenied');
    if (metrics.length === 0 || metrics.length > 1_000 || !metrics.every(isValid)) return refuse('InvalidParameterValue');
    this.requests.push(metrics);
    return answer(200, {});
  }
}

/** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html */
function isValid({ MetricName: name, Dimensions: dimensions, Timestamp: at, Value: value, Values: values }: PutMetric): boolean {
  if (name.length === 0 || name.length > 255 || typeof at !== 'number') return false;
  if (!dimensions.every((dimension) => /^[\x20-\x39\x3b-\x7e][\x20-\x7e]{0,1023}$/.test(dimension.Value))) return false;
  return typeof value === 'number' ? values === undefined : values !== undefined && values.length >= 1 && values.length <= 150;
}
