/**
 * A definition before anything is known about it: what YAML, JSON and JavaScript values have in common. Lines are known where it came from
 * a file. Maps are lists of entries, so that nothing a definition is called can reach an object's prototype and a key that is there twice
 * is still seen.
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

/** Something that no definition can hold. */
export interface SourceOther {
  readonly kind: 'other';
  readonly line?: number;
  /** What it is, for messages: `a function`. */
  readonly what: string;
}

/** A machine of a thousand states has about 20,000 nodes; a definition that unfolds to more than this is an attack or a mistake. */
export const MAX_NODES = 200_000;

/** A machine is seven levels deep. */
export const MAX_DEPTH = 50;

/** The definition is larger than any honest one. */
export class TooLargeError extends Error {}

/** Counts the nodes of a tree that is built, so that aliases, cycles and giant inputs come to an end. */
export class Budget {
  private left = MAX_NODES;

  /** @throws TooLargeError */
  public spend(nodes: number, depth: number): void {
    if (depth > MAX_DEPTH) {
      throw new TooLargeError(`nested more than ${MAX_DEPTH} levels deep`);
    }
    this.left -= nodes;
    if (this.left < 0) {
      throw new TooLargeError(`of more than ${MAX_NODES} values`);
    }
  }
}

/** Reads any JavaScript value. Never throws, whatever proxies and getters do. */
export function sourceOfValue(value: unknown): Source {
  try {
    return readValue(value, 0, new Budget());
  } catch (error) {
    return { kind: 'other', what: error instanceof TooLargeError ? `a value ${error.message}` : 'an object that cannot be read' };
  }
}

function readValue(value: unknown, depth: number, budget: Budget): Source {
  budget.spend(1, depth);
  switch (typeof value) {
    case 'string': case 'number': case 'boolean':
      return { kind: 'scalar', value };
    case 'undefined':
      return { kind: 'scalar', value: null };
    case 'object':
      return value === null ? { kind: 'scalar', value: null } : readObject(value, depth, budget);
    default:
      return { kind: 'other', what: `a ${typeof value}` };
  }
}

function readObject(object: object, depth: number, budget: Budget): Source {
  if (Array.isArray(object)) {
    budget.spend(object.length, depth);
    return { kind: 'list', items: Array.from(object, (item) => readValue(item, depth + 1, budget)) };
  }
  const prototype: unknown = Object.getPrototypeOf(object);
  // Plain objects of another realm (a test sandbox, node:vm) have a foreign Object.prototype; it, too, is the end of its chain.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    return { kind: 'other', what: 'an instance of a class' };
  }
  const entries = Object.entries(object).filter(([, property]) => property !== undefined);
  return { kind: 'map', entries: entries.map(([key, property]) => ({ key, value: readValue(property, depth + 1, budget) })) };
}

/** What a node is, for messages: `a list`, `the number 5`. */
export function whatIs(source: Source): string {
  switch (source.kind) {
    case 'map': return 'a map';
    case 'list': return 'a list';
    case 'other': return source.what;
    case 'scalar':
      if (source.value === null) {
        return 'nothing';
      }
      return typeof source.value === 'string' ? `the text ${JSON.stringify(source.value.slice(0, 40))}` : `the ${typeof source.value} ${source.value}`;
  }
}
