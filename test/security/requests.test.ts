import fc from 'fast-check';
import type { Executions, SendOptions, StartRequest } from '../../lambda/engine';
import { World } from '../support/world';

jest.setTimeout(60_000);

const machine = { name: 'm', initial: 'a', states: { a: { on: { go: 'b' } }, b: { final: true } } };
const REFUSALS = ['InvalidRequestError', 'NotJsonError', 'EnvelopeTooLargeError'];

/** Values that JavaScript code or JSON from the network may pass to the client without a type check. */
const anything = fc.oneof(
  fc.jsonValue(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    undefined,
    null,
    '',
    42,
    true,
    {},
    [1],
    '\ud800',
    '\0',
    '$go',
    'x'.repeat(300),
    'two words',
    Number.NaN,
    new Date(0),
    new Map(),
  ),
);

test('an accepted start runs, and a rejected one throws an error with the reason', async () => {
  await fc.assert(
    fc.asyncProperty(anything, anything, async (executionId, context) => {
      const world = new World([machine], {});
      // The request has a wrong type on purpose.
      const request = { machine: 'm', executionId, context } as unknown as StartRequest;
      const started = await world
        .client((executions) => executions.start(request))
        .catch((error: Error) => {
          expect(REFUSALS).toContain(error.name);
          expect(error.message).toMatch(/expected|at |bytes|Store/);
          return undefined;
        });
      await world.bench.run();
      expect(world.services.deadLetters.letters).toEqual([]);
      expect(started && world.lock(started.executionId)?.status).toBe(started && 'parked');
    }),
    { numRuns: 150 },
  );
});

test('an accepted event continues the execution, or waits', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(anything, fc.constant('go')), anything, anything, async (event, id, data) => {
      const world = new World([machine], {});
      await world.start('m', 'x');
      await world.bench.run();
      const options = { id, data } as unknown as SendOptions;
      const result = await world
        .client((executions) => executions.send('x', event as string, options))
        .catch((error: Error) => {
          expect(REFUSALS).toContain(error.name);
          return 'refused';
        });
      await world.bench.run();
      expect(world.services.deadLetters.letters).toEqual([]);
      expect(world.lock('x')?.status).toBe(result !== 'refused' && event === 'go' ? 'completed' : 'parked');
    }),
    { numRuns: 150 },
  );
});

test.each([
  [
    { executionId: 42 },
    'Invalid executionId (a value of type number): expected 1 to 128 printable ASCII characters without spaces.',
  ],
  [{ executionId: {} }, 'Invalid executionId (a value of type object): expected'],
  [
    { executionId: 'x', context: [1] },
    'Invalid context of execution "x": expected an object, such as { order: 7 }, but received an array.',
  ],
  [
    { executionId: 'x', context: null },
    'Invalid context of execution "x": expected an object, such as { order: 7 }, but received null.',
  ],
])('rejects the start %j', async (request, message) => {
  const world = new World([machine], {});
  await expect(
    world.client((executions) => executions.start({ machine: 'm', ...request } as unknown as StartRequest)),
  ).rejects.toThrow(message);
});

test.each([
  ['an event', (of: Executions) => of.send('x', 'go\n{"level":"ERROR"}'), 'Invalid event "go\\n{'],
  [
    'an event id',
    (of: Executions) => of.send('x', 'go', { id: 'a\u202eb' }),
    'Invalid event id "a\\u{202e}b": expected',
  ],
  [
    'an executionId',
    (of: Executions) => of.start({ machine: 'm', executionId: 'a\u2028b' }),
    '"a\\u{2028}b": expected',
  ],
  ['a machine', (of: Executions) => of.start({ machine: 'm\u0085' }), 'Unknown machine "m\\u{85}": expected "m".'],
] as const)('refuses %s with unprintable characters, and shows them', async (_, request, message) => {
  const world = new World([machine], {});
  await world.start('m', 'x');
  await world.bench.run();
  await expect(world.client<unknown>(request)).rejects.toThrow(message);
});
