import type { Json } from '../../machine/action';
import { quote } from '../../machine/quote';
import { isExecutionId, isJsonObject, isName } from '../envelope/codec';
import { assertJson } from '../envelope/json';
import { MAX_EVENT_DATA_BYTES, MAX_NAME_LENGTH } from '../envelope/limits';
import { alternatives, InvalidRequestError } from '../errors';

// The compiler has not checked arguments that came as JSON or from JavaScript. Accepted, they would become dead letters.

/** @throws InvalidRequestError for a text that no service can carry as a key */
export function assertExecutionId(executionId: unknown): asserts executionId is string {
  if (isExecutionId(executionId)) return;
  throw new InvalidRequestError(
    `Invalid executionId ${shown(executionId)}: expected 1 to 128 printable ASCII characters without spaces.`,
  );
}

/** @throws InvalidRequestError for a machine that is not part of the workflow */
export function assertMachine(machine: string, known: readonly string[] | undefined): void {
  if (known === undefined || known.includes(machine)) return;
  throw new InvalidRequestError(`Unknown machine ${shown(machine)}: expected ${alternatives(known)}.`);
}

/**
 * @throws InvalidRequestError for a context that is not an object
 * @throws NotJsonError for a context that is not JSON
 */
export function assertContext(context: unknown, executionId: string): void {
  if (isJsonObject(context)) {
    assertJson(context, 'context');
    return;
  }
  throw new InvalidRequestError(
    `Invalid context of execution "${executionId}": expected an object, such as { order: 7 }, but received ${kindOf(context)}.`,
  );
}

/** @throws InvalidRequestError for a text that cannot name an event */
export function assertEvent(event: unknown): void {
  assertPublicName('event', event);
}

/** @throws InvalidRequestError for a text that cannot identify an event */
export function assertEventId(id: unknown): void {
  assertPublicName('event id', id);
}

/**
 * @throws NotJsonError for data that is not JSON
 * @throws InvalidRequestError for too much data
 */
export function assertEventData(data: Json | undefined): void {
  if (data === undefined) return;
  assertJson(data, 'data');
  const bytes = Buffer.byteLength(JSON.stringify(data));
  if (bytes <= MAX_EVENT_DATA_BYTES) return;
  throw new InvalidRequestError(
    `The data of the event has ${bytes} bytes as JSON; expected at most ${MAX_EVENT_DATA_BYTES}. ` +
      'Store large data elsewhere, for example in Amazon S3, and send its key.',
  );
}

/** Names that begin with `$` belong to the library. */
function assertPublicName(kind: string, name: unknown): void {
  if (isName(name) && !name.startsWith('$')) return;
  throw new InvalidRequestError(
    `Invalid ${kind} ${shown(name)}: expected 1 to ${MAX_NAME_LENGTH} printable characters that do not begin with "$".`,
  );
}

function shown(name: unknown): string {
  return typeof name === 'string' ? quote(name) : `(${kindOf(name)})`;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}
