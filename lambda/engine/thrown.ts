import type { ErrorDescription } from '../machine/action';
import { FsmError } from '../machine/fsm-error';

// Actions may throw any value: an error of another realm, an object with accessors that throw, a name of a megabyte. These functions read
// such values, and never throw.

const MAX_NAME_CHARACTERS = 256;
const MAX_MESSAGE_CHARACTERS = 1_000;
const MAX_STACK_CHARACTERS = 20_000;
const MAX_ERRORS = 10;
const MAX_DEPTH = 5;

/** Returns a thrown error unchanged if all of its texts can be used, and any other thrown value as an error that describes it. */
export function asError(thrown: unknown): Error {
  return isInstance(thrown, Error) && isSound(thrown) ? thrown : captureError(thrown);
}

/**
 * Returns an error that describes a thrown value, whatever it is. Later changes of the value change nothing. An error of this library is
 * returned unchanged.
 */
export function captureError(thrown: unknown): Error {
  if (isInstance(thrown, FsmError) && isSound(thrown)) return thrown;
  const { name, message } = describe(thrown);
  const cause: unknown = isErrorLike(thrown) ? read(thrown, 'cause') : undefined;
  const error = new Error(message, cause === undefined ? undefined : { cause });
  error.name = name;
  error.stack = stackOf(thrown, message);
  const errors = isErrorLike(thrown) ? read(thrown, 'errors') : undefined;
  return errors === undefined ? error : Object.assign(error, { errors });
}

/** Describes a thrown value, with its causes. */
export function describeError(thrown: unknown, depth = 0): ErrorDescription {
  const description = describe(thrown);
  if (!isErrorLike(thrown) || depth >= MAX_DEPTH) return description;
  const cause = read(thrown, 'cause');
  const errors = read(thrown, 'errors');
  return {
    ...description,
    ...(cause !== undefined && cause !== null && { cause: describeError(cause, depth + 1) }),
    ...(isArray(errors) && { errors: describeAll(errors, depth + 1) }),
  };
}

function describeAll(errors: readonly unknown[], depth: number): readonly ErrorDescription[] {
  const described: ErrorDescription[] = [];
  for (let index = 0; index < MAX_ERRORS; index += 1) {
    const error = read(errors, index);
    if (error !== undefined) described.push(describeError(error, depth));
  }
  return described;
}

function describe(thrown: unknown): { readonly name: string; readonly message: string } {
  if (!isErrorLike(thrown)) {
    return {
      name: 'Error',
      message: bounded(`A value that is not an Error was thrown: ${textOf(thrown)}`, MAX_MESSAGE_CHARACTERS),
    };
  }
  const name = read(thrown, 'name');
  const message = read(thrown, 'message');
  const named = typeof name === 'string' && name !== '' ? name : isPrimitive(name) ? textOf(name) : className(thrown);
  return {
    name: bounded(named, MAX_NAME_CHARACTERS),
    message: bounded(message === undefined || message === null ? '' : textOf(message), MAX_MESSAGE_CHARACTERS),
  };
}

/** Whether a value is an error, of any realm or library: by its shape, for `instanceof` knows only one realm. */
export function isErrorLike(value: unknown): value is object {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  try {
    return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]' || 'message' in value;
  } catch {
    return false;
  }
}

/** The same as `instanceof`, which calls code of a proxy. */
function isInstance<T>(value: unknown, constructor: abstract new (...parameters: never[]) => T): value is T {
  try {
    return value instanceof constructor;
  } catch {
    return false;
  }
}

function isSound(error: Error): boolean {
  const { name, message, stack } = {
    name: read(error, 'name'),
    message: read(error, 'message'),
    stack: read(error, 'stack'),
  };
  return (
    typeof name === 'string' &&
    name !== '' &&
    name.length <= MAX_NAME_CHARACTERS &&
    typeof message === 'string' &&
    (stack === undefined || typeof stack === 'string')
  );
}

/** The stack behind the message, whose length is unbounded. */
function stackOf(thrown: unknown, message: string): string {
  const stack = isErrorLike(thrown) ? read(thrown, 'stack') : undefined;
  if (typeof stack !== 'string') return message;
  const original = isErrorLike(thrown) ? read(thrown, 'message') : undefined;
  const end = typeof original === 'string' && original !== '' ? stack.indexOf(original) + original.length : 0;
  const frames = stack
    .slice(Math.max(0, end))
    .split('\n', 200)
    .filter((line) => line.trimStart().startsWith('at '));
  return bounded([message, ...frames].join('\n'), MAX_STACK_CHARACTERS);
}

function className(value: object): string {
  const constructor = read(value, 'constructor');
  const name = typeof constructor === 'function' ? read(constructor, 'name') : undefined;
  return typeof name === 'string' && name !== '' && name !== 'Object' ? name : 'Error';
}

function isPrimitive(value: unknown): boolean {
  return (
    value !== null && value !== undefined && value !== '' && typeof value !== 'object' && typeof value !== 'function'
  );
}

/** Returns any value as text. An object is shown as JSON, which says more than `[object Object]`. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    if (typeof value !== 'object' || value === null) return String(value);
    return JSON.stringify(value) ?? String(value);
  } catch {
    return `a value of type ${typeof value}`;
  }
}

function read(value: object, name: string | number): unknown {
  try {
    return (value as Readonly<Record<string | number, unknown>>)[name];
  } catch {
    return undefined;
  }
}

function isArray(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/** Cuts a text, and replaces unpaired surrogates, which no service accepts. */
function bounded(text: string, characters: number): string {
  return text.slice(0, characters).replace(/\p{Cs}/gu, '\ufffd');
}
