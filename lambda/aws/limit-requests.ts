import type { FinalizeRequestMiddleware, MiddlewareStack } from '@smithy/types';

/** The number of connections that a client of the SDK opens by default. */
const MAX_REQUESTS = 50;

/** An AWS client, as far as its middleware is concerned. */
interface Client<Input extends object, Output extends object> {
  readonly middlewareStack: MiddlewareStack<Input, Output>;
}

/**
 * Bounds the requests that a client has in flight to the number of its connections. Further requests wait.
 *
 * The SDK counts the wait for a free connection against the connection timeout, so that of many concurrent requests most would fail.
 *
 * @returns the client
 */
export function limitRequests<C extends Client<Input, Output>, Input extends object, Output extends object>(
  client: C & Client<Input, Output>,
): C {
  let free = MAX_REQUESTS;
  const waiting: (() => void)[] = [];
  const limit: FinalizeRequestMiddleware<Input, Output> = (next) => async (args) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await next(args);
    } finally {
      // The first request that waits takes the place over.
      const first = waiting.shift();
      if (first) first();
      else free += 1;
    }
  };
  // Within the retries of the client, so that no request holds its place during a pause, and before the request is signed.
  client.middlewareStack.addRelativeTo(limit, {
    relation: 'after',
    toMiddleware: 'retryMiddleware',
    name: 'limitRequests',
    override: true,
  });
  return client;
}
