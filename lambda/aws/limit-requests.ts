import type { FinalizeRequestMiddleware, MiddlewareStack } from '@smithy/types';
import { InFlight } from '../engine/executions/sending/in-flight';

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
  const requests = new InFlight(MAX_REQUESTS);
  const limit: FinalizeRequestMiddleware<Input, Output> = (next) => (args) => requests.run(() => next(args));
  // Within the retries of the client, so that no request holds its place during a pause, and before the request is signed.
  client.middlewareStack.addRelativeTo(limit, {
    relation: 'after',
    toMiddleware: 'retryMiddleware',
    name: 'limitRequests',
    override: true,
  });
  return client;
}
