import type { DeserializeMiddleware, MiddlewareStack } from '@smithy/types';
import type { ServiceClock } from '../engine/executions/service-clock';
import { isObject } from '../machine/is-object';

/** An AWS client, as far as its middleware is concerned. */
interface Client<Input extends object, Output extends object> {
  readonly middlewareStack: MiddlewareStack<Input, Output>;
}

/**
 * Corrects a clock by the `Date` header of each response to an AWS client.
 *
 * @returns the client
 */
export function observeClock<C extends Client<Input, Output>, Input extends object, Output extends object>(
  client: C & Client<Input, Output>,
  clock: ServiceClock,
): C {
  const observe: DeserializeMiddleware<Input, Output> = (next) => async (args) => {
    const result = await next(args);
    const now = timeOf(result.response);
    if (!Number.isNaN(now)) clock.observe(now);
    return result;
  };
  client.middlewareStack.add(observe, { step: 'deserialize', name: 'observeClock', override: true });
  return client;
}

/** @returns milliseconds since the epoch, or NaN if the response tells no time */
function timeOf(response: unknown): number {
  const headers = isObject(response) ? response.headers : undefined;
  const date = isObject(headers) ? headers.date : undefined;
  return typeof date === 'string' ? Date.parse(date) : Number.NaN;
}
