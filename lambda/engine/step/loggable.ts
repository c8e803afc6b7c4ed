import type { Json, JsonObject } from '../../machine';
import { describeError, isErrorLike } from '../thrown';

const MAX_DEPTH = 20;
const MAX_STACK_CHARACTERS = 10_000;

/**
 * Converts the fields of a log line to JSON, whatever they are: a log line must not fail the work that it describes. Errors keep their name,
 * message, stack and causes, a `BigInt` becomes text, and what cannot be read is described.
 */
export function loggable(fields: Readonly<Record<string, unknown>>): JsonObject {
  return Object.fromEntries(Object.keys(fields).map((name) => [name, convertMember(fields, name, [])]));
}

function convert(value: unknown, ancestors: readonly object[]): Json | undefined {
  try {
    switch (typeof value) {
      case 'undefined':
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return Number.isFinite(value) ? value : String(value);
      case 'object':
        return value === null ? null : convertObject(value, ancestors);
      default:
        return String(value);
    }
  } catch {
    return '[unreadable]';
  }
}

function convertObject(value: object, ancestors: readonly object[]): Json | undefined {
  if (ancestors.includes(value)) return '[circular]';
  if (ancestors.length >= MAX_DEPTH) return '[nested too deeply]';
  const path = [...ancestors, value];
  if (isNativeError(value)) return convertError(value, path);
  if ('toJSON' in value && typeof value.toJSON === 'function') return convert(value.toJSON(), path);
  if (Array.isArray(value)) return value.map((item: unknown) => convert(item, path) ?? null);
  if (value instanceof Map) return convert([...value], path);
  if (value instanceof Set) return convert([...value], path);
  return Object.fromEntries(Object.keys(value).map((name) => [name, convertMember(value, name, path)]));
}

function convertMember(value: object, name: string, path: readonly object[]): Json | undefined {
  try {
    return convert((value as Readonly<Record<string, unknown>>)[name], path);
  } catch {
    return '[unreadable]';
  }
}

function convertError(error: object, path: readonly object[]): Json {
  const own = Object.keys(error).filter((name) => name !== 'cause' && name !== 'errors' && name !== 'stack');
  const members = Object.fromEntries(own.map((name) => [name, convertMember(error, name, path)]));
  const stack = convertMember(error, 'stack', path);
  // A description consists of text and of other descriptions.
  const description = describeError(error) as unknown as JsonObject;
  return {
    ...members,
    ...description,
    ...(typeof stack === 'string' && { stack: stack.slice(0, MAX_STACK_CHARACTERS) }),
  };
}

/** Other than `isErrorLike`, without objects that merely have a message. */
function isNativeError(value: object): boolean {
  return isErrorLike(value) && (value instanceof Error || Object.prototype.toString.call(value) === '[object Error]');
}
