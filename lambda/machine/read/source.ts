/**
 * The common form of YAML, JSON and JavaScript values, before any check. Values from a file have line numbers. A map is a list of entries,
 * so that no key can reach an object's prototype, and duplicate keys remain visible.
 */
export type Source = SourceMap | SourceList | SourceScalar | SourceOther;

export interface SourceMap {
  readonly kind: 'map';
  readonly line?: number;
  readonly entries: readonly SourceEntry[];
}

export interface SourceEntry {
  readonly key: string;
  readonly line?: number;
  readonly value: Source;
}

export interface SourceList {
  readonly kind: 'list';
  readonly line?: number;
  readonly items: readonly Source[];
}

export interface SourceScalar {
  readonly kind: 'scalar';
  readonly line?: number;
  readonly value: string | number | boolean | null;
}

/** A value that no definition can contain. */
export interface SourceOther {
  readonly kind: 'other';
  readonly line?: number;
  /** Description for messages: `a function`. */
  readonly description: string;
}

/** The values that aliases repeat, or those of an object. A machine of ten thousand states has about 100,000 values. */
export const MAX_VALUES = 200_000;

/** A machine has seven levels of nesting. */
export const MAX_DEPTH = 50;

/** The definition exceeds a limit, which its message names: `more than 50 levels of nesting`. */
export class TooLargeError extends Error {}

/** Limits the size of a tree while it is built, against repeated aliases, and cycles and repetitions in objects. */
export class SizeLimit {
  private left = MAX_VALUES;

  /** @throws TooLargeError if the tree exceeds a limit */
  public spend(values: number, depth: number): void {
    if (depth > MAX_DEPTH) {
      throw new TooLargeError(`more than ${MAX_DEPTH} levels of nesting`);
    }
    this.left -= values;
    if (this.left < 0) {
      throw new TooLargeError(`more than ${MAX_VALUES} values`);
    }
  }
}

/** Reads any JavaScript value. Never throws, even if a proxy or a getter does. */
export function sourceOfValue(value: unknown): Source {
  try {
    return readValue(value, 0, new SizeLimit());
  } catch (error) {
    return {
      kind: 'other',
      description: error instanceof TooLargeError ? `a value with ${error.message}` : 'an object that cannot be read',
    };
  }
}

function readValue(value: unknown, depth: number, limit: SizeLimit): Source {
  limit.spend(1, depth);
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return { kind: 'scalar', value };
    case 'undefined':
      return { kind: 'scalar', value: null };
    case 'object':
      return value === null ? { kind: 'scalar', value: null } : readObject(value, depth, limit);
    default:
      return { kind: 'other', description: `a ${typeof value}` };
  }
}

function readObject(object: object, depth: number, limit: SizeLimit): Source {
  if (Array.isArray(object)) {
    limit.spend(object.length, depth);
    return { kind: 'list', items: Array.from(object, (item) => readValue(item, depth + 1, limit)) };
  }
  const prototype: unknown = Object.getPrototypeOf(object);
  // Plain objects of another realm (a test sandbox, node:vm) have a foreign Object.prototype, which also ends its chain.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    return { kind: 'other', description: 'an instance of a class' };
  }
  const entries = Object.entries(object).filter(([, property]) => property !== undefined);
  return {
    kind: 'map',
    entries: entries.map(([key, property]) => ({ key, value: readValue(property, depth + 1, limit) })),
  };
}

/** Describes a value for messages: `a list`, `the number 5`. */
export function describeSource(source: Source): string {
  switch (source.kind) {
    case 'map':
      return 'a map';
    case 'list':
      return 'a list';
    case 'other':
      return source.description;
    case 'scalar':
      if (source.value === null) {
        return 'no value';
      }
      return typeof source.value === 'string'
        ? `the string ${JSON.stringify(source.value.slice(0, 40))}`
        : `the ${typeof source.value} ${source.value}`;
  }
}
