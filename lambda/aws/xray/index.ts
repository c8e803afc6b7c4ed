import { PutTraceSegmentsCommand, XRayClient } from '@aws-sdk/client-xray';
import type { Clock } from '../../engine/ports';
import type { Logger } from '../../machine';
import { MONITORING_CLIENT_OPTIONS } from '../client-options';
import { XRayTracer } from './tracer';

/** Most segments of one request: as many as AWS's own daemon sends at once. */
const MAX_SEGMENTS = 50;

/**
 * What X-Ray does for a workflow.
 *
 * Segments are put by requests and not through the daemon, which Lambda runs only while it serves an invocation that is itself sampled:
 * an execution is sampled once, but its steps run in whatever invocations their envelopes come to.
 *
 * @see https://docs.aws.amazon.com/xray/latest/devguide/xray-daemon.html
 */
export class XRay {
  private readonly client = new XRayClient(MONITORING_CLIENT_OPTIONS);

  constructor(private readonly system: { readonly clock: Clock; readonly logger: Logger }) {}

  public tracer(): XRayTracer {
    return new XRayTracer(this.system.clock, (segments) => this.put(segments));
  }

  /** Closes its connections. */
  public close(): void {
    this.client.destroy();
  }

  /** A gap in a trace is nothing to trouble an execution with. */
  private async put(segments: readonly string[]): Promise<void> {
    const batches: Promise<void>[] = [];
    for (let from = 0; from < segments.length; from += MAX_SEGMENTS) batches.push(this.putBatch(segments.slice(from, from + MAX_SEGMENTS)));
    await Promise.all(batches);
  }

  private async putBatch(segments: string[]): Promise<void> {
    const { logger } = this.system;
    try {
      const command = new PutTraceSegmentsCommand({ TraceSegmentDocuments: segments });
      const { UnprocessedTraceSegments: refused = [] } = await this.client.send(command);
      const [first] = refused;
      if (first) logger.warn(`X-Ray has refused ${refused.length} of ${segments.length} segments: ${first.ErrorCode ?? 'it does not tell why'}`);
    } catch (thrown) {
      logger.warn(`X-Ray did not take ${segments.length} segments: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  }
}
