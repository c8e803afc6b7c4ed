import { assertJson, NotJsonError } from '../../lambda/engine';

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

describe('a context that JSON carries unchanged', () => {
  test.each([
    ['an empty object', {}],
    ['every kind of value', { text: 'é', number: -1.5, yes: true, nothing: null, list: [1, [2, { three: 3 }]], object: { a: { b: {} } } }],
    ['an undefined property, which is left out', { gone: undefined, kept: 1 }],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
    ['the same object twice, which is no cycle', ((shared) => ({ a: shared, b: shared }))({ c: 1 })],
    ['names that objects have by birth', JSON.parse('{"__proto__": {"a": 1}, "constructor": 2, "toString": 3}')],
    ['deep nesting', nested(150)],
  ])('%s', (_, context) => {
    expect(() => assertJson(context, 'context')).not.toThrow();
  });
});

describe('a context that JSON would change silently names the place and the mend', () => {
  test.each([
    ['a date', { order: { at: new Date(0) } }, 'context.order.at is a Date, which JSON cannot carry. Store date.toISOString() or date.getTime().'],
    ['a BigInt', { items: [{ price: 1n }] }, 'context.items[0].price is a BigInt, which JSON cannot carry. Store it as a string.'],
    ['a function', { f: () => 1 }, 'context.f is a function, which JSON cannot carry. Remove it, or store null.'],
    ['a symbol', { s: Symbol('s') }, 'context.s is a symbol, which JSON cannot carry. Remove it, or store null.'],
    ['not a number', { n: Number.NaN }, 'context.n is NaN, which JSON cannot carry. Store a finite number, or null.'],
    ['infinity', { n: -Infinity }, 'context.n is -Infinity, which JSON cannot carry. Store a finite number, or null.'],
    ['a map', { m: new Map() }, 'context.m is an instance of Map, which JSON cannot carry. Store a plain object.'],
    ['an instance', { m: new Money(1) }, 'context.m is an instance of Money, which JSON cannot carry. Store a plain object.'],
    ['undefined in a list', { l: [1, undefined] }, 'context.l[1] is undefined, which JSON cannot carry. Remove it, or store null.'],
    ['a cycle', cycle, 'context.inner.cycle is a reference to an object that contains it, which JSON cannot carry. Store a name or an id instead.'],
    ['toJSON', { j: { toJSON: () => 1 } }, 'context.j is an object with a toJSON method, which JSON cannot carry. Store a plain object.'],
  ])('%s', (_, context, message) => {
    expect(() => assertJson(context, 'context')).toThrow(NotJsonError);
    expect(() => assertJson(context, 'context')).toThrow(message);
  });

  test('nesting that would exhaust a stack', () => {
    expect(() => assertJson(nested(100_000), 'context')).toThrow(/nested more than 200 levels deep/);
  });
});
