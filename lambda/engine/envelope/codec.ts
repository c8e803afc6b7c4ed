import { ENVELOPE_VERSION, type Envelope } from './envelope';
import type { ErrorDescription, Failure, Json, JsonObject } from '../../machine/action';
import { EnvelopeTooLargeError } from '../errors';
import { escapeNoncharacters } from './escape-noncharacters';
import { copyJson } from './json';
import { GROWTH_BYTES, INCARNATION_PATTERN, MAX_NAME_LENGTH } from './limits';
import { EXECUTION_ID_PATTERN } from '../../contract/events';
import { isObject } from '../../machine/is-object';
import { UNPRINTABLE } from '../../machine/quote';

/** Encodes an envelope, whose context and data are JSON, as text that every service accepts. */
export function encodeEnvelope(envelope: Envelope): string {
  return escapeNoncharacters(JSON.stringify(envelope));
}

/** @throws EnvelopeTooLargeError if the text has more bytes (UTF-8) than the workflow carries */
export function assertFits(body: string, limit: number, state: string): void {
  if (exceeds(body, limit)) throw new EnvelopeTooLargeError(Buffer.byteLength(body), limit, state);
}

/** An envelope, or everything that is wrong with the message, as clauses whose subject is the message. */
export type Decoded = { readonly envelope: Envelope } | { readonly problems: readonly string[] };

/**
 * Decodes a delivered message. The message is untrusted, so every member is checked.
 *
 * @param limit maximum bytes (UTF-8) that the workflow carries: a larger message could be run, but neither retried nor sent on
 */
export function decodeEnvelope(body: string, limit = Number.POSITIVE_INFINITY): Decoded {
  if (exceeds(body, limit)) return { problems: [tooLarge(limit)] };
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { problems: ['it is not JSON'] };
  }
  if (!isObject(value)) return { problems: ['it is not a JSON object'] };
  // A newer envelope is read as far as this runtime knows it, so that it can be returned to its source: see ENVELOPE_VERSION.
  const { version } = value;
  if (!isCount(version) || version < ENVELOPE_VERSION) {
    return { problems: [`its "version" is ${brief(version)}; expected ${ENVELOPE_VERSION}`] };
  }
  // Unknown members count as well: a retry sends the message as it was delivered.
  const carried = carriedBy(value);
  if (!carried) {
    return { problems: ['it is nested too deeply, or contains a number that JavaScript reads as infinite'] };
  }
  const reader = new Reader(carried);
  const envelope: Envelope = {
    version,
    executionId: reader.required('executionId', isExecutionId, '1 to 128 printable ASCII characters without spaces'),
    incarnation: reader.required('incarnation', isIncarnation, '1 to 36 letters, digits, "-" or "_"'),
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
    ...reader.optional('mail', isMailKey, 'the key of a mail'),
    ...reader.optional('taken', isMailKey, 'the key of a mail'),
    ...reader.optional('abandonsTask', isTrue, 'true'),
    ...reader.optional('trace', isTrace, 'a W3C traceparent of version 00'),
    ...reader.optional('wakes', isTrue, 'true'),
    ...reader.optional('timeout', isTrue, 'true'),
    ...reader.optional('redriven', isCount, 'a fence token'),
    ...reader.optional('notBefore', isCount, 'milliseconds since the epoch'),
  };
  if ((envelope.step === 0) !== (envelope.state === null)) {
    reader.problems.push('its "step" and "state" contradict each other; expected step 0 exactly if the state is null');
  }
  // Only a parked step can be woken or time out, and a start that claims to would wait for that forever.
  if (envelope.step === 0 && (envelope.timeout || envelope.wakes)) {
    reader.problems.push('it starts the execution and ends a wait at once; expected a "step" of at least 1');
  }
  // A start must leave room for its retries and for a catch transition.
  if (envelope.step === 0 && envelope.attempt === 0 && exceeds(body, limit - GROWTH_BYTES) && !envelope.redriven) {
    reader.problems.push(tooLarge(limit - GROWTH_BYTES));
  }
  return reader.problems.length > 0 ? { problems: reader.problems } : { envelope };
}

/** Reads members of an object and collects their problems. */
class Reader {
  public readonly problems: string[] = [];

  constructor(private readonly members: Readonly<Record<string, unknown>>) {}

  public required<T>(name: string, check: (value: unknown) => value is T, expected: string): T {
    const value = Object.hasOwn(this.members, name) ? this.members[name] : undefined;
    if (!check(value)) this.problems.push(`its "${name}" is ${brief(value)}; expected ${expected}`);
    // A result with problems is discarded, so the value is used only if the check has passed.
    return value as T;
  }

  public optional<N extends string, T>(
    name: N,
    check: (value: unknown) => value is T,
    expected: string,
  ): { [K in N]?: T } {
    if (!Object.hasOwn(this.members, name)) return {};
    // The compiler widens a computed key to string; here it is the literal N.
    return { [name]: this.required(name, check, expected) } as { [K in N]?: T };
  }
}

/** Describes a value for a message: its kind, or the number itself, but never payload. */
function brief(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null || typeof value === 'number') return String(value);
  if (typeof value === 'string') return value.length === 0 ? 'an empty string' : 'a string';
  return Array.isArray(value) ? 'an array' : `of type ${typeof value}`;
}

/** Returns the members as they can be sent on, or nothing if one of them cannot. */
function carriedBy(members: object): Record<string, unknown> | undefined {
  try {
    const entries = Object.entries(members).map(([name, value]) => [
      name,
      copyJson(value, '', { normalizeZero: true }),
    ]);
    return Object.fromEntries(entries) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** Whether a text has more bytes (UTF-8) than the limit. A UTF-16 code unit takes at most three bytes, so most texts need not be measured. */
function exceeds(body: string, limit: number): boolean {
  return body.length > limit || (body.length * 3 > limit && Buffer.byteLength(body) > limit);
}

function tooLarge(limit: number): string {
  return `it has more than the ${limit} bytes that this workflow carries`;
}

/** Every result of JSON.parse is JSON. */
function isJson(_value: unknown): _value is Json {
  return true;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return isObject(value);
}

function isIncarnation(value: unknown): value is string {
  return typeof value === 'string' && INCARNATION_PATTERN.test(value);
}

function isTrue(value: unknown): value is true {
  return value === true;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Whether a value can name a machine, a state or an event, or be the id of an event: 1 to 256 printable characters. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME_LENGTH && isPrintable(value);
}

function isStateOrNull(value: unknown): value is string | null {
  return value === null || isName(value);
}

export function isExecutionId(value: unknown): value is string {
  return typeof value === 'string' && EXECUTION_ID_PATTERN.test(value);
}

function isFailure(value: unknown): value is Failure {
  return (
    isErrorDescription(value) &&
    'state' in value &&
    typeof value.state === 'string' &&
    'attempts' in value &&
    isCount(value.attempts)
  );
}

function isErrorDescription(value: unknown): value is ErrorDescription {
  if (!isObject(value)) return false;
  const { name, message, cause, errors } = value;
  return (
    typeof name === 'string' &&
    typeof message === 'string' &&
    (cause === undefined || isErrorDescription(cause)) &&
    (errors === undefined || (Array.isArray(errors) && errors.every(isErrorDescription)))
  );
}

function isTrace(value: unknown): value is string {
  return typeof value === 'string' && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(value);
}

/** Keys of mails contain an incarnation and the name of an event. */
function isMailKey(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 2 * MAX_NAME_LENGTH && isPrintable(value);
}

function isPrintable(text: string): boolean {
  return text.search(UNPRINTABLE) < 0;
}
