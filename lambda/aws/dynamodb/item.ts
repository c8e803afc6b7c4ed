import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { CHECKPOINT_TABLE_KEY, RETRY_TABLE_KEY } from '../../contract/tables';
import { FsmError } from '../../machine/fsm-error';

/** An item of a table. */
export type Item = Record<string, AttributeValue>;

/** The maximum size of an item, including the names of its attributes, in bytes. @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
export const MAX_ITEM_BYTES = 409_600;

/** The maximum size of an envelope in the retry table. The keys of its item need the rest. */
export const MAX_RETRY_BYTES = MAX_ITEM_BYTES - 1_024;

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

/** Stores structured data as JSON text. */
export function json(value: unknown): AttributeValue {
  return { S: JSON.stringify(value) };
}

/** The time to live of an item that is needed until `from` (milliseconds since the epoch) and kept for some days afterwards. */
export function daysAfter(from: number, days: number): AttributeValue {
  return number(Math.ceil(from / 1000) + Math.ceil(days * SECONDS_A_DAY));
}

/** An item lacks an attribute that the library writes into every item of its kind, so other code wrote the item. */
export class ForeignItemError extends FsmError {
  public override readonly name = 'ForeignItemError';
  public override readonly code = 'FOREIGN_ITEM';

  /** @param key the key of the item, for example `executionId = order-17` */
  constructor(attribute: string, expected: string, key: string) {
    super(
      `The item with ${key} was not written by this library: it has no attribute "${attribute}" of type ${expected}. ` +
        'Delete the item, or use a table that only this workflow writes to.',
    );
  }
}

const KEYS: readonly string[] = [CHECKPOINT_TABLE_KEY, RETRY_TABLE_KEY].flatMap(({ partitionKey, sortKey }) => [
  partitionKey.name,
  sortKey.name,
]);

/** How each type of attribute is stored. `JSON` is structured data that is always written and read as a whole, so one pass suffices instead of three. */
const TYPES = {
  string: { write: text, read: (attribute?: AttributeValue) => attribute?.S },
  number: { write: number, read: (attribute?: AttributeValue) => attribute?.N && Number(attribute.N) },
  boolean: { write: (BOOL: boolean) => ({ BOOL }), read: (attribute?: AttributeValue) => attribute?.BOOL },
  'list of strings': { write: texts, read: (attribute?: AttributeValue) => textsIn(attribute?.L) },
  JSON: { write: json, read: (attribute?: AttributeValue) => attribute?.S && (JSON.parse(attribute.S) as unknown) },
};

type TypeOf<Value> = [Value] extends [string]
  ? 'string'
  : [Value] extends [number]
    ? 'number'
    : [Value] extends [boolean]
      ? 'boolean'
      : [Value] extends [readonly string[]]
        ? 'list of strings'
        : 'JSON';

/** The attributes that hold the members of a value: the type of each, followed by `?` if an item may lack it. */
export type Attributes<Value> = {
  readonly [Name in keyof Value]-?: undefined extends Value[Name]
    ? `${TypeOf<Exclude<Value[Name], undefined>>}?`
    : TypeOf<Value[Name]>;
};

/** Stores a value as attributes. Members that are absent or undefined are absent from the item. */
export function writeItem<Value extends object>(value: Partial<Value>, attributes: Attributes<Value>): Item {
  const members = new Map<string, unknown>(Object.entries(value));
  return Object.fromEntries(
    Object.entries<string>(attributes).flatMap(([name, type]) => {
      const member = members.get(name);
      // Attributes has the type of each member.
      return member === undefined ? [] : [[name, TYPES[requiredOf(type)].write(member as never)]];
    }),
  );
}

/**
 * Reads a value that {@link writeItem} stored.
 *
 * @throws ForeignItemError if the item lacks a required attribute
 */
export function readItem<Value extends object>(item: Item, attributes: Attributes<Value>): Value {
  const members = Object.entries<string>(attributes).map(([name, type]) => {
    const required = requiredOf(type);
    const member = TYPES[required].read(item[name]);
    if (member === undefined && type === required) throw new ForeignItemError(name, type, keyText(item));
    return [name, member];
  });
  // Attributes has the type of each member. Only the library writes to its tables, so texts and JSON have the types of the members as well.
  return Object.fromEntries(members) as Value;
}

function requiredOf(type: string): keyof typeof TYPES {
  // Attributes has only these types, with and without the mark.
  return type.replace('?', '') as keyof typeof TYPES;
}

function textsIn(list: readonly AttributeValue[] | undefined): readonly string[] | undefined {
  const found = list?.flatMap(({ S }) => S ?? []);
  return found?.length === list?.length ? found : undefined;
}

/** The key of an item as text, for example `executionId = order-17, entry = mailbox`. */
export function keyText(item: Item): string {
  return KEYS.filter((name) => item[name])
    .map((name) => `${name} = ${item[name]?.S ?? item[name]?.N}`)
    .join(', ');
}
