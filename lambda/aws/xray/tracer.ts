import { formatTrace, newSegmentId, newTraceId, parseTrace, parseTracingHeader, xRayTraceId } from './trace-context';
import type { Clock, Span, TracedAttempt, Tracer } from '../../engine/ports';

/** The maximum length of the name of a segment, in characters. @see https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html */
const MAX_NAME_LENGTH = 200;

/** Passes the trace of the caller on to the executions that it starts, and records nothing itself. The client of a traced workflow uses it. */
export class TraceCarrier implements Tracer {
  /** @param header returns the tracing header of the current invocation */
  constructor(private readonly header: () => string | undefined = () => process.env._X_AMZN_TRACE_ID) {}

  public current(): string | undefined {
    const context = parseTracingHeader(this.header());
    return context && formatTrace(context);
  }

  public begin(_attempt: TracedAttempt): Span | undefined {
    return undefined;
  }

  public async flush(): Promise<void> {
    // Records nothing.
  }
}

/** Sends segments, each the JSON of a segment document. Never rejects. */
export type SegmentSink = (segments: readonly string[]) => Promise<void>;

/**
 * Traces executions with AWS X-Ray. Each attempt is a segment, named after the machine and the state; its parent is the segment of the attempt
 * that sent its envelope. The trace map therefore shows the machine as it ran.
 *
 *     invocation 1  ┌ order/reserving ┐
 *     invocation 2                      ┌ order/charging ┐                    one trace, three segments,
 *     invocation 3                                         ┌ order/shipping ┐  each the parent of the next
 *
 * The segments that Lambda records for invocations remain separate traces, because an invocation may run steps of many executions.
 */
export class XRayTracer extends TraceCarrier {
  private ended: string[] = [];

  /**
   * @param send sends the segments that ended since the last flush
   * @param header returns the tracing header of the current invocation. If the invocation is sampled, so are the executions that begin in it
   */
  constructor(
    private readonly clock: Clock,
    private readonly send: SegmentSink,
    header?: () => string | undefined,
  ) {
    super(header);
  }

  public override begin({ envelope, state, attempt }: TracedAttempt): Span | undefined {
    const { trace, executionId, machine, step } = envelope;
    const startedAt = this.clock.now();
    const sampled = trace === undefined && step === 0 && this.current() !== undefined;
    if (trace === undefined && !sampled) return undefined;
    const { traceId, parentId } =
      trace === undefined ? { traceId: newTraceId(startedAt), parentId: undefined } : parseTrace(trace);
    const id = newSegmentId();
    return {
      trace: formatTrace({ traceId, parentId: id }),
      end: (error) => {
        this.ended.push(
          JSON.stringify({
            name: segmentName(machine, state),
            id,
            trace_id: xRayTraceId(traceId),
            parent_id: parentId,
            start_time: startedAt / 1_000,
            end_time: this.clock.now() / 1_000,
            annotations: { executionId, machine, state, step, attempt },
            ...(error !== undefined && { fault: true, cause: { exceptions: [{ id: newSegmentId(), type: error }] } }),
          }),
        );
      },
    };
  }

  public override async flush(): Promise<void> {
    const { ended } = this;
    if (ended.length === 0) return;
    this.ended = [];
    await this.send(ended);
  }
}

/** Replaces the characters that X-Ray rejects in names. */
function segmentName(machine: string, state: string): string {
  return `${machine}/${state}`.replace(/[^\p{L}\p{N}\s_.:/%&#=+\\\-@]/gu, '_').slice(0, MAX_NAME_LENGTH);
}
