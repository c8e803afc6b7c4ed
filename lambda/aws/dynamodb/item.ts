import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Json } from '../../machine';

/** An item as it lies in a table. */
export type Item = Record<string, AttributeValue>;

/** The most bytes of an item, with the names of its attributes. @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
export const MAX_ITEM_BYTES = 409_600;

/** The attribute that the tables have for their time-to-live: seconds since the epoch, after which the item may be deleted. */
export const TTL = 'ttl';

const SECONDS_A_DAY = 86_400;

export function text(value: string): AttributeValue {
  return { S: value };
}

export function number(value: number): AttributeValue {
  return { N: String(value) };
}

export function texts(values: readonly string[]): AttributeValue {
  return { L: values.map(text) };
}

/** Structured data is kept as JSON text: it is written and read as a whole, and so costs one pass instead of three. */
export function json(value: unknown): AttributeValue {
  return { S: JSON.stringify(value) };
}

/** The time-to-live of an item that is needed until `from` (milliseconds since the epoch) and kept some days longer. */
export function daysAfter(from: number, days: number): AttributeValue {
  return number(Math.ceil(from / 1000) + Math.ceil(days * SECONDS_A_DAY));
}

/** An item lacks what the library has written into every item of its kind, so somebody else has written it. */
export class ForeignItemError extends Error {
  public override readonly name = 'ForeignItemError';

  constructor(attribute: string, expected: string, item: Item) {
    const key = Object.entries(item).filter(([name]) => KEYS.includes(name)).map(([name, value]) => `${name} = ${value.S ?? value.N}`);
    super(`The item with ${key.join(', ')} has no attribute "${attribute}" of type ${expected}, so it was not written by this library. ` +
      'Give the workflow a table of its own, or delete the item.');
  }
}

const KEYS = ['executionId', 'entry', 'shard', 'due'];

/** Reads the attributes of one item. Those that must be there throw a {@link ForeignItemError} when they are not. */
export class ItemReader {
  constructor(private readonly item: Item) {}

  public text(name: string): string {
    return this.optionalText(name) ?? this.missing(name, 'string');
  }

  public number(name: string): number {
    const value = this.item[name]?.N;
    return value === undefined ? this.missing(name, 'number') : Number(value);
  }

  public flag(name: string): boolean {
    return this.item[name]?.BOOL ?? this.missing(name, 'boolean');
  }

  public texts(name: string): string[] {
    return this.optionalTexts(name) ?? this.missing(name, 'list of strings');
  }

  public optionalText(name: string): string | undefined {
    return this.item[name]?.S;
  }

  public optionalTexts(name: string): string[] | undefined {
    return this.item[name]?.L?.map((value) => value.S ?? this.missing(name, 'list of strings'));
  }

  /**
   * What {@link json} has stored under this name, or nothing.
   *
   * The caller names the type: tables belong to the library alone, which has written the text from a value of that type.
   */
  public optionalJson<T = Json>(name: string): T | undefined {
    const value = this.item[name]?.S;
    return value === undefined ? undefined : JSON.parse(value) as T;
  }

  private missing(name: string, expected: string): never {
    throw new ForeignItemError(name, expected, this.item);
  }
}
