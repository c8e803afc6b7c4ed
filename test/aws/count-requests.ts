import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

/** How an operation of SNS counts, which does not name itself in a header. */
const QUERY = 'Query';

const CHANNEL = 'http.client.request.start';

/** The requests that the AWS clients of this process have made, those that the SDK has repeated included. */
export interface RequestCount {
  /** The operations in the order of their requests, for example `UpdateItem`. */
  readonly operations: readonly string[];
  /** How many requests there were: all, or those of one operation. */
  of(operation?: string): number;
  /** Ends the counting. */
  stop(): void;
}

/**
 * Counts the AWS requests of this process from now on, whichever client makes them, as they leave for the network.
 */
export function countRequests(): RequestCount {
  const operations: string[] = [];
  const count = (message: unknown) => {
    // The channel's messages are documented to have the request.
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

/** Counts the AWS requests that a piece of work makes. */
export async function requestsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  const count = countRequests();
  try {
    await work();
  } finally {
    count.stop();
  }
  return count.operations;
}
