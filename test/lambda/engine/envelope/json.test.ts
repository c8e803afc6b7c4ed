import { runInNewContext } from 'node:vm';
import { assertJson, NotJsonError } from '../../../../lambda/engine';

class Money {
  constructor(readonly cents: number) {}
}

const cycle: Record<string, unknown> = { inner: {} };
cycle.inner = { cycle };

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = { value };
  return value;
}

/** An object with 2^levels references to the same value. */
function doubled(levels: number): unknown {
  let value: unknown = [1];
  for (let level = 0; level < levels; level++) value = { value, again: value };
  return value;
}

describe('accepts a context that JSON preserves', () => {
  test.each([
    ['an empty object', {}],
    [
      'every kind of value',
      { text: 'é', number: -1.5, yes: true, nothing: null, list: [1, [2, { three: 3 }]], object: { a: { b: {} } } },
    ],
    ['an undefined property, which is omitted', { gone: undefined, kept: 1 }],
    ['an object behind a proxy', new Proxy({ a: [new Proxy([1], {})] }, {})],
    ['an object of another realm', runInNewContext('({ a: [1, { b: null }] })')],
    ['a hidden symbol, as libraries attach it', Object.defineProperty({ a: 1 }, Symbol('hidden'), { value: 1 })],
    ['the same object twice, which is not a cycle', ((shared) => ({ a: shared, b: shared }))({ c: 1 })],
    ['names that every object inherits', JSON.parse('{"__proto__": {"a": 1}, "constructor": 2, "toString": 3}')],
    ['deep nesting', nested(150)],
  ])('%s', (_, context) => {
    expect(() => assertJson(context, 'context')).not.toThrow();
  });
});

describe('rejects a context that JSON would change, with the location and a fix', () => {
  test.each([
    [
      'a date',
      { order: { at: new Date(0) } },
      'context.order.at is a Date, which JSON cannot represent. Store date.toISOString() or date.getTime().',
    ],
    [
      'a BigInt',
      { items: [{ price: 1n }] },
      'context.items[0].price is a BigInt, which JSON cannot represent. Store it as a string.',
    ],
    ['a function', { f: () => 1 }, 'context.f is a function, which JSON cannot represent. Remove it, or store null.'],
    ['a symbol', { s: Symbol('s') }, 'context.s is a symbol, which JSON cannot represent. Remove it, or store null.'],
    [
      'minus zero',
      { n: [-0] },
      'context.n[0] is -0, which JSON cannot represent. Store 0, for example with value + 0.',
    ],
    [
      'a symbol key',
      { n: { [Symbol('key')]: 1 } },
      'context.n is an object with the key Symbol(key), which JSON cannot represent. Store the value under a text.',
    ],
    [
      'a property of an array',
      { match: /(?<name>b)/.exec('abc') },
      'context.match is an array with the property "index", which JSON cannot represent. Store an object with the array in it.',
    ],
    [
      'an instance of a subclass of Array',
      { stack: Object.assign(new (class Stack extends Array {})(), [1]) },
      'context.stack is an instance of Stack, which JSON cannot represent. Store a plain array, for example [...value].',
    ],
    [
      'an object without a prototype',
      { groups: Object.assign(Object.create(null), { a: 1 }) },
      'context.groups is an object without a prototype, which JSON cannot represent. Store a plain object, for example { ...value }.',
    ],
    [
      'an object whose prototype is another object',
      { child: Object.create({ inherited: 1 }) },
      'context.child is an instance of Object, which JSON cannot represent. Store a plain object.',
    ],
    ['an object that occurs in itself again and again', doubled(30), /beyond the first 600000 values/],
    [
      'not a number',
      { n: Number.NaN },
      'context.n is NaN, which JSON cannot represent. Store a finite number, or null.',
    ],
    [
      'infinity',
      { n: -Infinity },
      'context.n is -Infinity, which JSON cannot represent. Store a finite number, or null.',
    ],
    ['a map', { m: new Map() }, 'context.m is an instance of Map, which JSON cannot represent. Store a plain object.'],
    [
      'an instance',
      { m: new Money(1) },
      'context.m is an instance of Money, which JSON cannot represent. Store a plain object.',
    ],
    [
      'undefined in a list',
      { l: [1, undefined] },
      'context.l[1] is undefined, which JSON cannot represent. Remove it, or store null.',
    ],
    [
      'a cycle',
      cycle,
      'context.inner.cycle is a reference to an object that contains it, which JSON cannot represent. Store a name or an id instead.',
    ],
    [
      'toJSON',
      { j: { toJSON: () => 1 } },
      'context.j is an object with a toJSON method, which JSON cannot represent. Store a plain object.',
    ],
  ])('%s', (_, context, message) => {
    expect(() => assertJson(context, 'context')).toThrow(NotJsonError);
    expect(() => assertJson(context, 'context')).toThrow(message);
  });

  test('nesting that would exhaust the stack', () => {
    expect(() => assertJson(nested(100_000), 'context')).toThrow(/nested more than 200 levels deep/);
  });
});
