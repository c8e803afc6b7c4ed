import type { IncomingMessage } from 'node:http';
import { ServiceServer, type Answer } from './service-server';

/** A server for `PutTraceSegments` of AWS X-Ray: implements the protocol of the service and validates segments as it does. */
export class XRayServer extends ServiceServer {
  /** The accepted segments of each request. */
  public readonly requests: Record<string, unknown>[][] = [];
  /** How the server responds. */
  public mood: 'well' | 'broken' | 'silent' = 'well';

  protected answer(request: IncomingMessage, sent: Buffer): Answer | undefined {
    if (this.mood === 'silent') return undefined;
    if (this.mood === 'broken') return [500, { message: 'broken' }];
    if (request.method !== 'POST' || request.url !== '/TraceSegments') return [404, { message: 'unknown operation' }];
    const { TraceSegmentDocuments: documents } = JSON.parse(sent.toString()) as { TraceSegmentDocuments: string[] };
    const taken: Record<string, unknown>[] = [];
    const refused: object[] = [];
    for (const document of documents) {
      const segment = JSON.parse(document) as Record<string, unknown>;
      const problem = problemOf(segment);
      if (problem) refused.push({ Id: segment.id, ErrorCode: problem, Message: problem });
      else taken.push(segment);
    }
    this.requests.push(taken);
    return [200, { UnprocessedTraceSegments: refused }];
  }
}

/** @see https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html */
function problemOf(segment: Record<string, unknown>): string | undefined {
  const { name, id, trace_id: trace, start_time: start, end_time: end, parent_id: parent } = segment;
  if (typeof name !== 'string' || !/^[\p{L}\p{N}\s_.:/%&#=+\\\-@]{1,200}$/u.test(name)) return 'InvalidName';
  if (typeof id !== 'string' || !/^[0-9a-f]{16}$/.test(id)) return 'InvalidId';
  if (typeof trace !== 'string' || !/^1-[0-9a-f]{8}-[0-9a-f]{24}$/.test(trace)) return 'InvalidTraceId';
  if (parent !== undefined && !/^[0-9a-f]{16}$/.test(String(parent))) return 'InvalidParentId';
  if (typeof start !== 'number' || typeof end !== 'number' || end < start || start < 1e9 || start > 1e10) {
    return 'InvalidTime';
  }
  return undefined;
}
