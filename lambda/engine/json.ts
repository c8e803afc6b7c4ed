import type { Json } from '../machine';
import { NotJsonError } from './errors';

/** Deeper nesting than this is refused: it is a mistake in an action, and would exhaust the stack of whoever reads it. */
const DEEPEST = 200;

/**
 * Checks that a value comes back from JSON just as it is, so that an action sees in the next step what it left in this one.
 *
 * A property that is `undefined` is left out, as it is in JSON. All else that JSON would change silently is refused: functions, symbols,
 * `BigInt`, `NaN` and infinities, dates, maps, sets, instances of classes, holes in arrays and cycles.
 *
 * @throws NotJsonError that names the place.
 */
export function assertJson(value: unknown, path: string): asserts value is Json {
  visit(value, path, []);
}

function visit(value: unknown, path: string, ancestors: object[]): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return;
    case 'number':
      if (Number.isFinite(value)) return;
      throw new NotJsonError(path, String(value), 'Store a finite number, or null.');
    case 'bigint':
      throw new NotJsonError(path, 'a BigInt', 'Store it as a string.');
    case 'object':
      if (value !== null) visitObject(value, path, ancestors);
      return;
    default:
      throw new NotJsonError(path, value === undefined ? 'undefined' : `a ${typeof value}`, 'Remove it, or store null.');
  }
}

function visitObject(value: object, path: string, ancestors: object[]): void {
  if (ancestors.includes(value)) throw new NotJsonError(path, 'a reference to an object that contains it', 'Store a name or an id instead.');
  if (ancestors.length >= DEEPEST) throw new NotJsonError(path, `nested more than ${DEEPEST} levels deep`, 'Store a flatter structure.');
  ancestors.push(value);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) visit(value[index], `${path}[${index}]`, ancestors);
  } else {
    visitMembers(value, path, ancestors);
  }
  ancestors.pop();
}

function visitMembers(value: object, path: string, ancestors: object[]): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  // Not compared with Object.prototype: a plain object may come from another realm, as in the sandbox of a test runner.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    if (value instanceof Date) throw new NotJsonError(path, 'a Date', 'Store date.toISOString() or date.getTime().');
    throw new NotJsonError(path, `an instance of ${value.constructor?.name || 'a class'}`, 'Store a plain object.');
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') throw new NotJsonError(path, 'an object with a toJSON method', 'Store a plain object.');
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined) visit(member, `${path}.${name}`, ancestors);
  }
}
