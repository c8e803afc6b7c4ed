import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal';

const MEBIBYTE = 1024 * 1024;

/** Maximum length of a request's body in bytes, by service: not less than AWS accepts. */
const MAX_BYTES: Readonly<Record<string, number>> = {
  dynamodb: 16 * MEBIBYTE,
  kinesis: 14 * MEBIBYTE,
  sqs: 6 * MEBIBYTE,
  events: 6 * MEBIBYTE,
};

/** Limits in milliseconds for the headers and for the whole of a request, so that a slow sender holds no connection for long. */
export const REQUEST_TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 1_000 };

/**
 * Reads the body of a request.
 *
 * @throws Refusal if it is longer than the service permits, before the rest is read
 */
export async function readBody(incoming: IncomingMessage, service: string): Promise<Buffer> {
  const limit = (Object.hasOwn(MAX_BYTES, service) ? MAX_BYTES[service] : undefined) ?? MEBIBYTE;
  const tooLong = () =>
    new Refusal(413, 'RequestEntityTooLargeException', `The body of the request is longer than ${limit} bytes.`);
  if (Number(incoming.headers['content-length'] ?? 0) > limit) throw tooLong();
  const chunks: Buffer[] = [];
  let length = 0;
  // The answer to a long body needs the connection, which the iterator would otherwise destroy.
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    // A request without an encoding yields buffers.
    const buffer = chunk as Buffer;
    length += buffer.length;
    if (length > limit) throw tooLong();
    chunks.push(buffer);
  }
  return Buffer.concat(chunks);
}
