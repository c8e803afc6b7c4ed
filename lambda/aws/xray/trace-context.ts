import { randomBytes } from 'node:crypto';

/** A position in a trace: the id of the trace (32 hexadecimal digits) and of the parent segment (16 hexadecimal digits). */
export interface TraceContext {
  readonly traceId: string;
  readonly parentId: string;
}

/** The first eight digits of an X-Ray trace id are the second in which the trace began. */
export function newTraceId(now: number): string {
  return (
    Math.floor(now / 1_000)
      .toString(16)
      .padStart(8, '0') + randomBytes(12).toString('hex')
  );
}

export function newSegmentId(): string {
  return randomBytes(8).toString('hex');
}

/** The trace id in the format of X-Ray. */
export function xRayTraceId(traceId: string): string {
  return `1-${traceId.slice(0, 8)}-${traceId.slice(8)}`;
}

/** The format of envelopes, which the codec validates. Envelopes carry sampled traces only. */
export function formatTrace({ traceId, parentId }: TraceContext): string {
  return `00-${traceId}-${parentId}-01`;
}

export function parseTrace(trace: string): TraceContext {
  const [, traceId = '', parentId = ''] = trace.split('-');
  return { traceId, parentId };
}

/**
 * Parses the tracing header of an invocation.
 *
 * @param header `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`, possibly with further fields
 * @returns nothing if the invocation is not sampled
 * @see https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
 */
export function parseTracingHeader(header: string | undefined): TraceContext | undefined {
  const fields = new Map(
    (header ?? '').split(';').map((field) => {
      const [name = '', value = ''] = field.trim().split('=');
      return [name, value];
    }),
  );
  const root = /^1-([0-9a-f]{8})-([0-9a-f]{24})$/.exec(fields.get('Root') ?? '');
  const parentId = fields.get('Parent') ?? '';
  if (fields.get('Sampled') !== '1' || !root || !/^[0-9a-f]{16}$/.test(parentId)) return undefined;
  return { traceId: `${root[1]}${root[2]}`, parentId };
}
