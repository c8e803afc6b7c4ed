import type { Json } from '../../machine/action';
import { NotJsonError } from '../errors';
import { MAX_JSON_DEPTH, MAX_JSON_VALUES } from './limits';

/** How a copy treats a value that JSON.parse can return, but JSON.stringify changes. */
export interface CopyOptions {
  /**
   * Whether `-0` becomes 0, instead of being rejected.
   *
   * @default false
   */
  readonly normalizeZero?: boolean;
}

/**
 * Checks that a value survives a round trip through JSON, so that an action finds in the next step what it stored in this one.
 *
 * @throws NotJsonError as {@link copyJson}
 */
export function assertJson(value: unknown, path: string): asserts value is Json {
  copyJson(value, path);
}

/**
 * Copies a value as JSON carries it. The copy consists of plain objects and arrays, whatever the original is made of (a Proxy, accessors), so
 * that no code can change it later.
 *
 * A property with the value `undefined` is omitted, as JSON omits it. Every other value that JSON would change silently is rejected:
 * functions, symbols, `BigInt`, `-0`, `NaN` and infinities, dates, maps, sets, instances of classes, objects without a prototype, symbol
 * keys, holes in arrays, additional properties of arrays, and cycles.
 *
 * @throws NotJsonError with the path of the first such value
 */
export function copyJson(value: unknown, path: string, options: CopyOptions = {}): Json {
  return new Copy(options).of(value, path);
}

class Copy {
  private readonly ancestors: object[] = [];
  private values = 0;

  constructor(private readonly options: CopyOptions) {}

  public of(value: unknown, path: string): Json {
    this.values += 1;
    if (this.values > MAX_JSON_VALUES) {
      throw new NotJsonError(
        path,
        `beyond the first ${MAX_JSON_VALUES} values`,
        'Store less data, and each object once.',
      );
    }
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return this.ofNumber(value, path);
      case 'bigint':
        throw new NotJsonError(path, 'a BigInt', 'Store it as a string.');
      case 'object':
        return value === null ? null : this.ofObject(value, path);
      default:
        throw new NotJsonError(
          path,
          value === undefined ? 'undefined' : `a ${typeof value}`,
          'Remove it, or store null.',
        );
    }
  }

  private ofNumber(value: number, path: string): number {
    if (!Number.isFinite(value)) throw new NotJsonError(path, String(value), 'Store a finite number, or null.');
    if (!Object.is(value, -0)) return value;
    if (this.options.normalizeZero) return 0;
    throw new NotJsonError(path, '-0', 'Store 0, for example with value + 0.');
  }

  private ofObject(value: object, path: string): Json {
    const { ancestors } = this;
    if (ancestors.includes(value)) {
      throw new NotJsonError(path, 'a reference to an object that contains it', 'Store a name or an id instead.');
    }
    if (ancestors.length >= MAX_JSON_DEPTH) {
      throw new NotJsonError(path, `nested more than ${MAX_JSON_DEPTH} levels deep`, 'Store a flatter structure.');
    }
    const [symbol] = Object.getOwnPropertySymbols(value).filter((key) => isEnumerable(value, key));
    if (symbol !== undefined) {
      throw new NotJsonError(path, `an object with the key ${String(symbol)}`, 'Store the value under a text.');
    }
    ancestors.push(value);
    const copy = Array.isArray(value) ? this.ofArray(value, path) : this.ofMembers(value, path);
    ancestors.pop();
    return copy;
  }

  private ofArray(value: readonly unknown[], path: string): Json[] {
    // Array.prototype, of this realm or another one, is two steps from the end of the prototype chain.
    if (prototypes(value) !== 2) {
      throw new NotJsonError(
        path,
        `an instance of ${className(value)}`,
        'Store a plain array, for example [...value].',
      );
    }
    const { length } = value;
    const copy: Json[] = [];
    for (let index = 0; index < length; index++) copy.push(this.of(value[index], `${path}[${index}]`));
    const names = Object.keys(value);
    if (names.length > length) {
      throw new NotJsonError(
        path,
        `an array with the property "${names[length]}"`,
        'Store an object with the array in it.',
      );
    }
    return copy;
  }

  private ofMembers(value: object, path: string): Json {
    switch (prototypes(value)) {
      case 0:
        throw new NotJsonError(
          path,
          'an object without a prototype',
          'Store a plain object, for example { ...value }.',
        );
      case 1: // Object.prototype, of this realm or another one, such as the sandbox of a test runner.
        break;
      default:
        if (value instanceof Date) {
          throw new NotJsonError(path, 'a Date', 'Store date.toISOString() or date.getTime().');
        }
        throw new NotJsonError(path, `an instance of ${className(value)}`, 'Store a plain object.');
    }
    if ('toJSON' in value && typeof value.toJSON === 'function') {
      throw new NotJsonError(path, 'an object with a toJSON method', 'Store a plain object.');
    }
    const members: [string, Json][] = [];
    for (const [name, member] of Object.entries(value)) {
      if (member !== undefined) members.push([name, this.of(member, `${path}.${name}`)]);
    }
    // Unlike an assignment, this also creates a member with the name __proto__.
    return Object.fromEntries(members);
  }
}

function isEnumerable(value: object, key: symbol): boolean {
  return Object.prototype.propertyIsEnumerable.call(value, key);
}

/** The length of the prototype chain, up to 3. */
function prototypes(value: object): number {
  let count = 0;
  for (let next: unknown = Object.getPrototypeOf(value); next !== null && count < 3; count++) {
    next = Object.getPrototypeOf(next);
  }
  return count;
}

function className(value: object): string {
  const { constructor } = value;
  return (typeof constructor === 'function' && constructor.name) || 'a class';
}
