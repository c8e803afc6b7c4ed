import { parseFilter } from '../../../../../lambda/local/brokers/shared/filter';

const passes = (pattern: object, record: unknown) => parseFilter([JSON.stringify(pattern)])(record);

test('without patterns, all records match', () => {
  expect(parseFilter([])({ anything: 1 })).toBe(true);
});

test('a record matches if it matches any of several patterns', () => {
  const filter = parseFilter(['{"kind":["a"]}', '{"kind":["b"]}']);
  expect(['a', 'b', 'c'].map((kind) => filter({ kind }))).toEqual([true, true, false]);
});

test('all members of a pattern must match, at every depth', () => {
  const pattern = { eventName: ['INSERT', 'MODIFY'], dynamodb: { NewImage: { envelope: { S: [{ exists: true }] } } } };
  expect(passes(pattern, { eventName: 'INSERT', dynamodb: { NewImage: { envelope: { S: '{}' } } } })).toBe(true);
  expect(passes(pattern, { eventName: 'REMOVE', dynamodb: { NewImage: { envelope: { S: '{}' } } } })).toBe(false);
  expect(passes(pattern, { eventName: 'INSERT', dynamodb: { NewImage: { status: { S: 'parked' } } } })).toBe(false);
  expect(passes(pattern, { eventName: 'INSERT' })).toBe(false);
});

test.each([
  [{ v: [null] }, [null], ['null', 0, undefined]],
  [{ v: [1, true] }, [1, true], ['1', false, undefined]],
  [{ v: [{ exists: true }] }, [0, '', null, false], [undefined, { leaf: 1 }]],
  [{ v: [{ exists: false }] }, [undefined, { leaf: 1 }], [0, '']],
  [{ v: [{ prefix: 'ab' }] }, ['ab', 'abc'], ['b', 1, undefined]],
  [{ v: [{ suffix: 'bc' }] }, ['bc', 'abc'], ['b', undefined]],
  [{ v: [{ 'equals-ignore-case': 'Ab' }] }, ['ab', 'AB'], ['abc', undefined]],
  [{ v: [{ 'anything-but': ['a', 'b'] }] }, ['c', 1], ['a', 'b', undefined]],
  [{ v: [{ 'anything-but': 'a' }] }, ['b'], ['a', undefined]],
  [{ v: [{ 'anything-but': { prefix: 'a' } }] }, ['b'], ['a', 'ab', undefined]],
  [{ v: [{ numeric: ['>', 0, '<=', 5] }] }, [1, 5], [0, 6, '1', undefined]],
  [{ v: [{ numeric: ['=', 3] }] }, [3], [4]],
  [{ v: ['a', { prefix: 'b' }] }, ['a', 'bc'], ['c']],
  [{ v: ['a'] }, [['x', 'a']], [['x'], []]],
])('%j', (pattern, matching, others) => {
  for (const v of matching) {
    expect({ v, passes: passes(pattern, { v }) }).toEqual({ v, passes: true });
  }
  for (const v of others) {
    expect({ v, passes: passes(pattern, v === undefined ? {} : { v }) }).toEqual({ v, passes: false });
  }
});

test('$or matches any of its patterns, together with the members next to it', () => {
  const pattern = { kind: ['order'], $or: [{ state: ['new'] }, { total: [{ numeric: ['>', 100] }] }] };
  expect(passes(pattern, { kind: 'order', state: 'new', total: 1 })).toBe(true);
  expect(passes(pattern, { kind: 'order', state: 'old', total: 101 })).toBe(true);
  expect(passes(pattern, { kind: 'order', state: 'old', total: 1 })).toBe(false);
  expect(passes(pattern, { kind: 'other', state: 'new', total: 1 })).toBe(false);
});

test.each([
  ['invalid JSON', '{', 'expected a JSON object'],
  ['a list', '[1]', 'expected a JSON object'],
  ['an unknown operator', '{"v":[{"sounds-like":"a"}]}', '{"sounds-like":"a"}'],
  ['a bare value', '{"v":"a"}', '"a"'],
  ['a broken comparison', '{"v":[{"numeric":[">"]}]}', '{"numeric":[">"]}'],
])('%s is rejected', (_, pattern, complaint) => {
  expect(() => parseFilter([pattern])).toThrow(complaint);
});
