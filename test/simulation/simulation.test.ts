import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mutate } from './bundle';
import { MUTATIONS } from './mutations';
import { PORTS_KINDS } from './setting';
import { simulateSeed } from './simulation';
import { Trace } from './trace';
import { walk } from './walk';
import type { Mark } from './workload';
import { defineMachine } from '../../lambda/machine';
import { EVENT_SOURCE_KINDS } from '../../lambda/testing/simulation/scenario';
import { shrink } from '../../lambda/testing/simulation/shrink';

jest.setTimeout(300_000);

const SEEDS = 60;

test('holds I1 to I7 over some seeds, and equal seeds give equal runs', async () => {
  let faults = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { violations, hits } = await simulateSeed(seed, { sources: EVENT_SOURCE_KINDS, ports: PORTS_KINDS });
    faults += hits.length;
    expect({ seed, violations }).toEqual({ seed, violations: [] });
  }
  expect(faults).toBeGreaterThan(SEEDS);
  const [one, other] = [new Trace(), new Trace()];
  const first = await simulateSeed(7, { sources: EVENT_SOURCE_KINDS, ports: PORTS_KINDS, trace: one });
  // The recorded faults of a seed are a schedule that injects the same faults.
  const again = await simulateSeed(7, {
    sources: EVENT_SOURCE_KINDS,
    ports: PORTS_KINDS,
    trace: other,
    faults: first.hits,
  });
  expect(first.hits.length).toBeGreaterThan(0);
  expect(again.hits).toEqual(first.hits);
  expect(other.lines()).toEqual(one.lines());
});

test('can plant every mistake of the mutation suite', () => {
  for (const mutation of MUTATIONS) {
    const source = readFileSync(join(__dirname, '../..', mutation.file), 'utf8');
    expect(mutate(source, mutation)).not.toBe(source);
  }
  expect(MUTATIONS.length).toBeGreaterThanOrEqual(20);
});

test('shrinks to the essential items', async () => {
  const items = Array.from({ length: 100 }, (_, index) => index);
  expect(await shrink(items, async (kept) => kept.includes(13) && kept.includes(77))).toEqual([13, 77]);
});

describe('a walk through a definition', () => {
  const machine = defineMachine({
    name: 'm',
    initial: 'a',
    states: {
      a: { entry: 'enter', do: 'work', exit: 'leave', on: { next: 'b' } },
      b: { entry: 'enter', on: { wake: 'done' }, catch: 'done' },
      done: { entry: 'enter', final: true },
    },
  });
  const start: Mark[] = [
    { at: 0, step: 0, action: 'enter', state: 'a', event: '$start' },
    { at: 0, step: 0, action: 'work', state: 'a', event: '$start', returned: 'next' },
  ];
  const onward: Mark[] = [
    { at: 0, step: 1, action: 'leave', state: 'a', event: 'next' },
    { at: 0, step: 1, action: 'enter', state: 'b', event: 'next' },
  ];
  const end: Mark = { at: 0, step: 2, action: 'enter', state: 'done', event: 'wake', mail: 'x' };

  test('ends in the state of the last mark', () => {
    expect(walk([machine], [...start, ...onward, end])).toEqual({
      state: 'done',
      step: 2,
      caught: [],
      mails: [{ id: 'x', event: 'wake', step: 1 }],
      timeouts: [],
    });
    expect(walk([machine], [...start, { ...end, event: '$catch', mail: undefined }])).toMatchObject({
      caught: [{ step: 1, state: 'b' }],
    });
  });

  test.each<[string, Mark[]]>([
    ['a step is missing', [...start, end]],
    ['a step counts twice', [...start, ...start]],
    ['an action is missing', [...start, ...onward.slice(1)]],
    ['actions are swapped', [...start, ...[...onward].reverse()]],
    ['an event differs from the returned one', [...start, ...onward.map((mark) => ({ ...mark, event: 'wake' }))]],
    ['an event also reaches a later transition', [...start, ...onward.map((mark) => ({ ...mark, mail: 'a' })), end]],
    ['no client sent the event', [...start, ...onward, { ...end, mail: undefined }]],
  ])('detects that %s', (_, marks) => {
    expect(walk([machine], marks)).toEqual(expect.any(String));
  });
});
