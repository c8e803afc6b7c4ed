import fc from 'fast-check';
import { decodeEnvelope } from '../../lambda/engine';
import { fullJitter } from '../../lambda/engine/retries/backoff';
import { defineMachine } from '../../lambda/machine';
import { InMemoryQueue } from '../../lambda/testing/services/in-memory-queue';
import { keyOf } from '../support/execution-key';
import { recordStartOf } from '../support/recorded-start';
import { World } from '../support/world';

const machine = defineMachine({
  name: 'line',
  initial: 'a',
  maxRetries: 2,
  states: { a: { do: 'work', on: { go: 'b' } }, b: { final: true } },
});

/** Placeholder for the time in a forged envelope. */
const NOW = '0.12345';

/** An envelope as text, with members that no object can represent. */
function forged(raw: Readonly<Record<string, string>> = {}): string {
  const members = {
    version: '1',
    executionId: '"forged"',
    incarnation: '"first"',
    machine: '"line"',
    step: '0',
    parent: '0',
    attempt: '0',
    state: 'null',
    event: '"$start"',
    context: '{}',
    sentAt: NOW,
    ...raw,
  };
  return `{${Object.entries(members)
    .map(([name, value]) => `${JSON.stringify(name)}:${value}`)
    .join(',')}}`;
}

const nested = (levels: number) => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;

/** A world whose batch contains the bodies and a valid start; the first attempt at each of their steps fails. */
async function deliver(...bodies: readonly string[]): Promise<World> {
  const world = new World([machine], {
    work: (context, run) => {
      if (run.executionId !== 'honest' && run.attempt === 0) throw new Error('no');
      context.done = true;
      return 'go';
    },
  });
  const [source] = world.services.eventSources;
  if (!(source instanceof InMemoryQueue)) throw new Error('expected a queue');
  // A sender who may record a start may forge its envelope.
  await recordStartOf(world.services.locks, { ...keyOf('forged'), machine: 'line', now: world.clock.now() });
  for (const body of bodies) source.put(body.replace(NOW, String(world.clock.now())));
  await world.start('line', 'honest');
  await world.bench.run();
  return world;
}

const TOO_DEEP = 'it is nested too deeply, or contains a number that JavaScript reads as infinite';
const TOO_LARGE = 'it has more than the 397312 bytes that this workflow carries';

test.each([
  ['a context nested deeper than JSON can be written', forged({ context: nested(100_000) }), TOO_DEEP],
  ['a context nested deeper than an action may leave it', forged({ context: nested(200) }), TOO_DEEP],
  ['deeply nested data', forged({ data: nested(100_000) }), TOO_DEEP],
  ['a deeply nested unknown member', forged({ unknown: nested(100_000) }), TOO_DEEP],
  [
    'an error with deep nesting',
    forged({ error: `{"name":"E","message":"","state":"a","attempts":1,"more":${nested(100_000)}}` }),
    TOO_DEEP,
  ],
  ['a number that JavaScript reads as infinite', forged({ context: '{"n":1e999}' }), TOO_DEEP],
  ['a line of ten megabytes', 'x'.repeat(10_000_000), TOO_LARGE],
  ['a megabyte of brackets', '['.repeat(1_000_000), TOO_LARGE],
  ['a context of ten megabytes', forged({ context: `{"a":"${'x'.repeat(10_000_000)}"}` }), TOO_LARGE],
  ['more bytes than characters', forged({ context: `{"a":"${'€'.repeat(200_000)}"}` }), TOO_LARGE],
  ['half a character in a name', forged({ machine: '"\\ud800"' }), 'its "machine" is a string; expected a name'],
  [
    'half a character in a state',
    forged({ step: '1', state: '"a\\udc00"' }),
    'its "state" is a string; expected a name or null',
  ],
  [
    'a count beyond all integers',
    forged({ step: '1e300', state: '"a"' }),
    'its "step" is 1e+300; expected an integer ≥ 0',
  ],
])('%s is dead-lettered immediately, and its batch continues', async (_, body, problem) => {
  const start = process.cpuUsage();
  const world = await deliver(body);
  expect(process.cpuUsage(start).user / 1_000).toBeLessThan(5_000);
  expect(world.services.deadLetters.letters).toMatchObject([
    { reason: `The message is not a valid envelope: ${problem}.`, body: expect.stringContaining(body.slice(0, 50)) },
  ]);
  expect(world.lock('honest')).toMatchObject({ status: 'completed' });
  expect(world.count('Redelivery')).toBe(0);
});

test.each([
  ['a context as deep as an action may leave it', forged({ context: nested(199) }), 'completed'],
  ['half a character in the context', forged({ context: '{"a":"\\ud800"}' }), 'completed'],
  [
    'a member that would be the prototype',
    forged({ context: '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}' }),
    'completed',
  ],
  ['an unknown member', forged({ toString: '1', hasOwnProperty: '{}' }), 'completed'],
  ['an attempt number beyond every limit', forged({ attempt: '9007199254740991' }), 'failed'],
])('%s runs, and is retried, like any other', async (_, body, status) => {
  const world = await deliver(body);
  expect(world.lock('forged')).toMatchObject({ status });
  expect(world.lock('honest')).toMatchObject({ status: 'completed' });
  expect(world.count('Redelivery')).toBe(0);
  expect({}).not.toHaveProperty('polluted');
});

test('a valid start completes with any messages in its batch, and each message is acknowledged or dead-lettered', async () => {
  const junk = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc
      .dictionary(
        fc.constantFrom(
          'machine',
          'step',
          'parent',
          'attempt',
          'state',
          'event',
          'context',
          'data',
          'error',
          'mailbox',
          'mail',
          'definition',
          'notBefore',
          'timeout',
          '__proto__',
        ),
        fc.oneof(
          fc.json({ maxDepth: 3 }),
          fc.constantFrom(
            '0',
            '1',
            '-1',
            '1e400',
            '9007199254740992',
            'null',
            'true',
            '"a"',
            '"go"',
            '"$catch"',
            '{}',
            '[]',
            '{"through":9e15,"deferred":[]}',
            '"\\ud800"',
          ),
        ),
        { maxKeys: 4 },
      )
      .map((members) => forged(members)),
  );
  const own = Object.getOwnPropertyNames(Object.prototype);
  await fc.assert(
    fc.asyncProperty(fc.array(junk, { minLength: 1, maxLength: 9 }), async (bodies) => {
      const world = await deliver(...bodies);
      expect(world.lock('honest')).toMatchObject({ status: 'completed' });
      const open = world.services.locks.all.filter(({ status }) => status === 'running');
      expect({ open, redelivered: world.count('Redelivery') }).toEqual({ open: [], redelivered: 0 });
      expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(own);
    }),
    { numRuns: 150 },
  );
}, 60_000);

test('a decoded envelope has the declared types and can be sent on', () => {
  const text = forged({ sentAt: '1', context: '{"__proto__":{"polluted":1}}' });
  const decoded = decodeEnvelope(text);
  expect('envelope' in decoded && Object.getPrototypeOf(decoded.envelope.context)).toBe(Object.getPrototypeOf({}));
  expect('envelope' in decoded && Object.keys(decoded.envelope.context)).toEqual(['__proto__']);
});

test('the delay of an attempt is a finite number, for any number of failures', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      fc.constantFrom(0, 0.001, 1, 31_536_000),
      (attempt, baseSeconds) => {
        const wait = fullJitter({ baseSeconds, capSeconds: 60 }, attempt, { next: () => 0.999, id: () => '' });
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThan(60_000);
      },
    ),
  );
});

describe('an envelope that continues a running execution in another machine', () => {
  const permissive = defineMachine({
    name: 'permissive',
    initial: 'a',
    states: { a: { on: { go: 'b' } }, b: { entry: 'work', final: true } },
  });
  const waiting = defineMachine({
    name: 'waiting',
    initial: 'a',
    states: { a: { on: { go: 'b' } }, b: { final: true } },
  });

  test.each(['the next step', 'the same step again'])('is dead-lettered: %s', async (which) => {
    const world = new World([waiting, permissive], { work: () => undefined });
    await world.start('waiting', 'x', { sum: 7 });
    await world.bench.advance(10_000);
    const lock = world.lock('x')!;
    const [step, parent] = which === 'the next step' ? [lock.step + 1, lock.fence] : [lock.step, lock.parent];
    const [source] = world.services.eventSources;
    if (!(source instanceof InMemoryQueue)) throw new Error('expected a queue');
    const members = {
      executionId: '"x"',
      incarnation: JSON.stringify(lock.incarnation),
      machine: '"permissive"',
      step: String(step),
      parent: String(parent),
      ...(step > 0 && { state: '"a"', event: '"go"' }),
    };
    source.put(forged(members).replace(NOW, String(world.clock.now())));
    await world.bench.advance(60_000);
    expect(world.effects).toEqual([]);
    expect(world.lock('x')).toEqual(lock);
    expect(world.services.deadLetters.letters).toMatchObject([
      { executionId: 'x', reason: expect.stringContaining('its execution runs, which is "waiting"') },
    ]);
  });
});
