import type { MiddlewareStack } from '@smithy/types';
import { limitRequests } from './limit-requests';
import { explainRefusals } from './service-errors';

/** An AWS client, as far as its middleware is concerned. */
interface Client<Input extends object, Output extends object> {
  readonly middlewareStack: MiddlewareStack<Input, Output>;
}

/**
 * Prepares an AWS client of a workflow: bounds its requests in flight, and explains the errors that a retry cannot solve.
 *
 * @returns the client
 */
export function prepareClient<C extends Client<Input, Output>, Input extends object, Output extends object>(
  client: C & Client<Input, Output>,
): C {
  return limitRequests(explainRefusals(client));
}
