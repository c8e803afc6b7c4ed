import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

/** The name of SNS operations, whose requests do not name the operation in a header. */
const QUERY = 'Query';

const CHANNEL = 'http.client.request.start';

/** The requests of the AWS clients of this process, including the retries of the SDK. */
export interface RequestCount {
  /** The operations in the order of the requests, for example `UpdateItem`. */
  readonly operations: readonly string[];
  /** The number of requests, in total or of one operation. */
  of(operation?: string): number;
  /** Stops counting. */
  stop(): void;
}

/** Counts the AWS requests of all clients of this process, as they leave for the network. */
export function countRequests(): RequestCount {
  const operations: string[] = [];
  const count = (message: unknown) => {
    // Node.js documents that the messages of the channel contain the request.
    const { request } = message as { request: ClientRequest };
    const target = request.getHeader('x-amz-target');
    operations.push(typeof target === 'string' ? target.slice(target.lastIndexOf('.') + 1) : QUERY);
  };
  subscribe(CHANNEL, count);
  return {
    operations,
    of: (operation) => operations.filter((made) => operation === undefined || made === operation).length,
    stop: () => unsubscribe(CHANNEL, count),
  };
}

/** Returns the AWS requests that a function sends. */
export async function requestsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  const count = countRequests();
  try {
    await work();
  } finally {
    count.stop();
  }
  return count.operations;
}
