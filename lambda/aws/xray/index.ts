import { PutTraceSegmentsCommand, XRayClient } from '@aws-sdk/client-xray';
import type { Clock } from '../../engine/ports';
import type { Logger } from '../../machine';
import { toError } from '../../machine/to-error';
import { slices } from '../batches/slices';
import { MONITORING_CLIENT_OPTIONS } from '../client-options';
import { XRayTracer } from './tracer';

/** The maximum number of segments in one request: as many as the X-Ray daemon sends. */
const MAX_SEGMENTS = 50;

/**
 * Sends the traces of a workflow to X-Ray.
 *
 * Segments are sent by requests rather than through the X-Ray daemon, which Lambda runs only during sampled invocations: an execution is
 * sampled once, but its steps run in whichever invocations receive its envelopes.
 *
 * @see https://docs.aws.amazon.com/xray/latest/devguide/xray-daemon.html
 */
export class XRay {
  private readonly client = new XRayClient(MONITORING_CLIENT_OPTIONS);

  constructor(private readonly system: { readonly clock: Clock; readonly logger: Logger }) {}

  public tracer(): XRayTracer {
    return new XRayTracer(this.system.clock, (segments) => this.put(segments));
  }

  /** Closes the connections. */
  public close(): void {
    this.client.destroy();
  }

  /** Never rejects: missing traces must not fail an execution. */
  private async put(segments: readonly string[]): Promise<void> {
    await Promise.all(slices(segments, MAX_SEGMENTS).map((batch) => this.putBatch(batch)));
  }

  private async putBatch(segments: string[]): Promise<void> {
    const { logger } = this.system;
    try {
      const command = new PutTraceSegmentsCommand({ TraceSegmentDocuments: segments });
      const { UnprocessedTraceSegments: refused = [] } = await this.client.send(command);
      const [first] = refused;
      if (first) {
        logger.warn(
          `X-Ray rejected ${refused.length} of ${segments.length} segments: ${first.ErrorCode ?? 'the response has no reason'}`,
        );
      }
    } catch (thrown) {
      logger.warn(`X-Ray did not accept ${segments.length} segments: ${toError(thrown).message}`);
    }
  }
}
