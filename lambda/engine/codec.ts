import type { Failure, Json, JsonObject } from '../machine';
import { ENVELOPE_VERSION, type Envelope, type MailboxPosition } from './envelope';
import { EnvelopeTooLargeError } from './errors';
import { assertJson } from './json';

/**
 * What an executionId may be: 1 to 128 printable ASCII characters without a space, which every service takes as a key
 * (the narrowest is the message group of a FIFO queue).
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
const EXECUTION_ID = /^[\x21-\x7e]{1,128}$/;

/**
 * The envelope as text.
 *
 * @throws NotJsonError when the context or the data is no JSON
 */
export function encodeEnvelope(envelope: Envelope): string {
  assertJson(envelope.context, 'context');
  if (envelope.data !== undefined) assertJson(envelope.data, 'data');
  return JSON.stringify(envelope);
}

/** @throws EnvelopeTooLargeError when the text has more bytes (UTF-8) than the workflow can carry */
export function assertFits(body: string, limit: number, state: string): void {
  // A UTF-16 unit takes at most three bytes, so most envelopes need no count.
  if (body.length * 3 <= limit) return;
  const bytes = Buffer.byteLength(body);
  if (bytes > limit) throw new EnvelopeTooLargeError(bytes, limit, state);
}

/** An envelope, or all that is wrong with what was taken for one. */
export type Decoded = { readonly envelope: Envelope } | { readonly problems: readonly string[] };

/**
 * Reads what a source has delivered. It comes from outside, so nothing of it is believed before it is checked.
 *
 * @param limit most bytes (UTF-8) that the workflow can carry: a larger message could be run, but neither retried nor sent on
 */
export function decodeEnvelope(body: string, limit = Number.POSITIVE_INFINITY): Decoded {
  if (body.length > limit || (body.length * 3 > limit && Buffer.byteLength(body) > limit)) {
    return { problems: [`it has more than the ${limit} bytes that this workflow carries`] };
  }
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { problems: ['it is no JSON'] };
  }
  if (!isObject(value)) return { problems: ['it is no JSON object'] };
  // A newer one is read as far as this runtime knows it, so that it can be given back: see there.
  const { version } = value;
  if (!isCount(version) || version < ENVELOPE_VERSION) {
    return { problems: [`its version is ${brief(version)}, and this runtime reads version ${ENVELOPE_VERSION}`] };
  }
  // Of all its members, also those that nobody knows: a retry sends the message as it came.
  if (!Object.values(value).every(isCarriable)) return { problems: ['it is nested too deep, or has a number that JavaScript takes for infinite'] };
  const reader = new Reader(value);
  const envelope: Envelope = {
    version,
    executionId: reader.required('executionId', isExecutionId, '1 to 128 printable characters without a space'),
    machine: reader.required('machine', isName, 'a name'),
    step: reader.required('step', isCount, 'an integer ≥ 0'),
    parent: reader.required('parent', isCount, 'an integer ≥ 0'),
    attempt: reader.required('attempt', isCount, 'an integer ≥ 0'),
    state: reader.required('state', isStateOrNull, 'a name or null'),
    event: reader.required('event', isName, 'a name'),
    context: reader.required('context', isJsonObject, 'an object'),
    sentAt: reader.required('sentAt', isCount, 'milliseconds since the epoch'),
    ...reader.optional('definition', isName, 'a hash'),
    ...reader.optional('data', isJson, 'JSON'),
    ...reader.optional('error', isFailure, 'an object with name, message, state and attempts'),
    ...reader.optional('mailbox', isMailboxPosition, 'an object with through and deferred'),
    ...reader.optional('mail', isCount, 'an integer ≥ 0'),
    ...reader.optional('abandonsTask', isTrue, 'true'),
    ...reader.optional('trace', isTrace, 'a traceparent of version 00 as the W3C defines it'),
    ...reader.optional('timeout', isTrue, 'true'),
    ...reader.optional('redriven', isCount, 'a fence token'),
    ...reader.optional('notBefore', isCount, 'milliseconds since the epoch'),
  };
  if ((envelope.step === 0) !== (envelope.state === null)) reader.problems.push('only the start (step 0) has no state');
  return reader.problems.length > 0 ? { problems: reader.problems } : { envelope };
}

/** Reads members of an object and collects what is wrong with them. */
class Reader {
  public readonly problems: string[] = [];

  constructor(private readonly members: Readonly<Record<string, unknown>>) {}

  public required<T>(name: string, check: (value: unknown) => value is T, expected: string): T {
    const value = Object.hasOwn(this.members, name) ? this.members[name] : undefined;
    if (!check(value)) this.problems.push(`its "${name}" is ${brief(value)}; expected ${expected}`);
    // Whoever finds problems throws the result away, so the value is used only where the check has passed.
    return value as T;
  }

  public optional<N extends string, T>(name: N, check: (value: unknown) => value is T, expected: string): { [K in N]?: T } {
    if (!Object.hasOwn(this.members, name)) return {};
    // A computed key has the type of any string for the compiler; here it is the literal N.
    return { [name]: this.required(name, check, expected) } as { [K in N]?: T };
  }
}

/** What was found, for a message: its kind, and numbers and short names themselves, but no payload. */
function brief(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null || typeof value === 'number') return String(value);
  if (typeof value === 'string') return value.length === 0 ? 'an empty string' : 'a string';
  return Array.isArray(value) ? 'an array' : `of type ${typeof value}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether it can be sent on, as what an action leaves can. */
function isCarriable(value: unknown): boolean {
  try {
    assertJson(value, '');
    return true;
  } catch {
    return false;
  }
}

/** All that comes out of JSON.parse is JSON. */
function isJson(_value: unknown): _value is Json {
  return true;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return isObject(value);
}

function isTrue(value: unknown): value is true {
  return value === true;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Whether it can be the name of a machine, a state or an event, or the id of an event: 1 to 256 characters of text. */
export function isName(value: unknown): value is string {
  // Half a character is no text for the services.
  return typeof value === 'string' && value.length > 0 && value.length <= 256 && !/\p{Cs}/u.test(value);
}

function isStateOrNull(value: unknown): value is string | null {
  return value === null || isName(value);
}

export function isExecutionId(value: unknown): value is string {
  return typeof value === 'string' && EXECUTION_ID.test(value);
}

function isFailure(value: unknown): value is Failure {
  return isObject(value) && typeof value.name === 'string' && typeof value.message === 'string' && typeof value.state === 'string' && isCount(value.attempts);
}

function isTrace(value: unknown): value is string {
  return typeof value === 'string' && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(value);
}

function isMailboxPosition(value: unknown): value is MailboxPosition {
  return isObject(value) && isCount(value.through) && Array.isArray(value.deferred) && value.deferred.every(isCount);
}
