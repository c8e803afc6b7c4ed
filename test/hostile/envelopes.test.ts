import fc from 'fast-check';
import { decodeEnvelope } from '../../lambda/engine';
import { fullJitter } from '../../lambda/engine/backoff';
import { defineMachine } from '../../lambda/machine';
import { InMemoryQueue } from '../../lambda/testing/in-memory-queue';
import { World } from '../engine/world';

const machine = defineMachine({
  name: 'line',
  initial: 'a',
  maxRetries: 2,
  states: { a: { do: 'work', on: { go: 'b' } }, b: { final: true } },
});

/** What stands for the time in a forged envelope. */
const NOW = '0.12345';

/** An envelope as text, with some members as no object can hold them. */
function forged(raw: Readonly<Record<string, string>> = {}): string {
  const members = {
    version: '1', executionId: '"forged"', machine: '"line"', step: '0', parent: '0', attempt: '0', state: 'null', event: '"$start"', context: '{}', sentAt: NOW, ...raw,
  };
  return `{${Object.entries(members).map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
}

const nested = (levels: number) => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;

/** A world in whose batch the bodies come beside an honest start; the first try at each of their steps fails. */
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
  for (const body of bodies) source.put(body.replace(NOW, String(world.clock.now())));
  await world.start('line', 'honest');
  await world.bench.run();
  return world;
}

const TOO_DEEP = 'it is nested too deep, or has a number that JavaScript takes for infinite';
const TOO_LARGE = 'it has more than the 399360 bytes that this workflow carries';

test.each([
  ['a context nested deeper than JSON can be written', forged({ context: nested(100_000) }), TOO_DEEP],
  ['a context nested deeper than an action may leave it', forged({ context: nested(200) }), TOO_DEEP],
  ['data nested deep', forged({ data: nested(100_000) }), TOO_DEEP],
  ['an unknown member nested deep', forged({ unknown: nested(100_000) }), TOO_DEEP],
  ['an error with something deep in it', forged({ error: `{"name":"E","message":"","state":"a","attempts":1,"more":${nested(100_000)}}` }), TOO_DEEP],
  ['a number that JavaScript takes for infinite', forged({ context: '{"n":1e999}' }), TOO_DEEP],
  ['a line of ten megabytes', 'x'.repeat(10_000_000), TOO_LARGE],
  ['a megabyte of brackets', '['.repeat(1_000_000), TOO_LARGE],
  ['a context of ten megabytes', forged({ context: `{"a":"${'x'.repeat(10_000_000)}"}` }), TOO_LARGE],
  ['more bytes than characters', forged({ context: `{"a":"${'€'.repeat(200_000)}"}` }), TOO_LARGE],
  ['half a character in a name', forged({ machine: '"\\ud800"' }), 'its "machine" is a string; expected a name'],
  ['half a character in a state', forged({ step: '1', state: '"a\\udc00"' }), 'its "state" is a string; expected a name or null'],
  ['a count beyond all integers', forged({ step: '1e300', state: '"a"' }), 'its "step" is 1e+300; expected an integer ≥ 0'],
])('%s is a dead letter after one look, and its batch goes on', async (_, body, problem) => {
  const start = process.cpuUsage();
  const world = await deliver(body);
  expect(process.cpuUsage(start).user / 1_000).toBeLessThan(5_000);
  expect(world.services.deadLetters.letters).toMatchObject([{ reason: `The message is no envelope: ${problem}.`, body: expect.stringContaining(body.slice(0, 50)) }]);
  expect(world.lock('honest')).toMatchObject({ status: 'completed' });
  expect(world.count('Redelivery')).toBe(0);
});

test.each([
  ['a context as deep as an action may leave it', forged({ context: nested(199) }), 'completed'],
  ['half a character in the context', forged({ context: '{"a":"\\ud800"}' }), 'completed'],
  ['a member that would be the prototype', forged({ context: '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}' }), 'completed'],
  ['an unknown member', forged({ toString: '1', hasOwnProperty: '{}' }), 'completed'],
  ['an attempt beyond all', forged({ attempt: '9007199254740991' }), 'failed'],
])('%s is run, and retried, like any other', async (_, body, status) => {
  const world = await deliver(body);
  expect(world.lock('forged')).toMatchObject({ status });
  expect(world.lock('honest')).toMatchObject({ status: 'completed' });
  expect(world.count('Redelivery')).toBe(0);
  expect({}).not.toHaveProperty('polluted');
});

test('whatever is in a batch, the honest start in it completes, and each message comes to an end', async () => {
  const junk = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.dictionary(fc.constantFrom('machine', 'step', 'parent', 'attempt', 'state', 'event', 'context', 'data', 'error', 'mailbox', 'mail', 'definition', 'notBefore', 'timeout', '__proto__'), fc.oneof(
      fc.json({ maxDepth: 3 }),
      fc.constantFrom('0', '1', '-1', '1e400', '9007199254740992', 'null', 'true', '"a"', '"go"', '"$catch"', '{}', '[]', '{"through":9e15,"deferred":[]}', '"\\ud800"'),
    ), { maxKeys: 4 }).map((members) => forged(members)),
  );
  const own = Object.getOwnPropertyNames(Object.prototype);
  await fc.assert(fc.asyncProperty(fc.array(junk, { minLength: 1, maxLength: 9 }), async (bodies) => {
    const world = await deliver(...bodies);
    expect(world.lock('honest')).toMatchObject({ status: 'completed' });
    const open = world.services.locks.all.filter(({ status }) => status === 'running');
    expect({ open, redelivered: world.count('Redelivery') }).toEqual({ open: [], redelivered: 0 });
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(own);
  }), { numRuns: 150 });
}, 60_000);

test('what is decoded has the types that it says, and can be sent on', () => {
  const text = forged({ sentAt: '1', context: '{"__proto__":{"polluted":1}}' });
  const decoded = decodeEnvelope(text);
  expect('envelope' in decoded && Object.getPrototypeOf(decoded.envelope.context)).toBe(Object.getPrototypeOf({}));
  expect('envelope' in decoded && Object.keys(decoded.envelope.context)).toEqual(['__proto__']);
});

test('the wait before an attempt is a number, however often a step has failed', () => {
  fc.assert(fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), fc.constantFrom(0, 0.001, 1, 31_536_000), (attempt, baseSeconds) => {
    const wait = fullJitter({ baseSeconds, capSeconds: 60 }, attempt, { next: () => 0.999, id: () => '' });
    expect(wait).toBeGreaterThanOrEqual(0);
    expect(wait).toBeLessThan(60_000);
  }));
});
