import fc from 'fast-check';
import type { SendOptions, StartRequest } from '../../lambda/engine';
import { World } from '../engine/world';

jest.setTimeout(60_000);

const machine = { name: 'm', initial: 'a', states: { a: { on: { go: 'b' } }, b: { final: true } } };
const REFUSALS = ['InvalidRequestError', 'NotJsonError', 'EnvelopeTooLargeError'];

/** What JavaScript, or JSON that came over the network, may give to the client: the compiler has seen none of it. */
const anything = fc.oneof(
  fc.jsonValue(), fc.string({ unit: 'binary' }), fc.constantFrom(undefined, null, '', 42, true, {}, [1], '\ud800', '\0', '$go', 'x'.repeat(300), 'two words', Number.NaN, new Date(0), new Map()),
);

test('what is accepted as a start runs, and what is refused says why', async () => {
  await fc.assert(fc.asyncProperty(anything, anything, async (executionId, context) => {
    const world = new World([machine], {});
    // On purpose.
    const request = { machine: 'm', executionId, context } as unknown as StartRequest;
    const started = await world.client((executions) => executions.start(request)).catch((error: Error) => {
      expect(REFUSALS).toContain(error.name);
      expect(error.message).toMatch(/expected|at |bytes|Store/);
      return undefined;
    });
    await world.bench.run();
    expect(world.services.deadLetters.letters).toEqual([]);
    expect(started && world.lock(started.executionId)?.status).toBe(started && 'parked');
  }), { numRuns: 150 });
});

test('what is accepted as an event takes the execution on, or waits', async () => {
  await fc.assert(fc.asyncProperty(fc.oneof(anything, fc.constant('go')), anything, anything, async (event, id, data) => {
    const world = new World([machine], {});
    await world.start('m', 'x');
    await world.bench.run();
    const options = { id, data } as unknown as SendOptions;
    const result = await world.client((executions) => executions.send('x', event as string, options)).catch((error: Error) => {
      expect(REFUSALS).toContain(error.name);
      return 'refused';
    });
    await world.bench.run();
    expect(world.services.deadLetters.letters).toEqual([]);
    expect(world.lock('x')?.status).toBe(result !== 'refused' && event === 'go' ? 'completed' : 'parked');
  }), { numRuns: 150 });
});

test.each([
  [{ executionId: 42 }, 'What is of type number can be no executionId: expected 1 to 128 printable ASCII characters without a space.'],
  [{ executionId: {} }, 'What is of type object can be no executionId'],
  [{ executionId: 'x', context: [1] }, 'The context of execution "x" is an array; expected an object'],
  [{ executionId: 'x', context: null }, 'The context of execution "x" is null; expected an object'],
])('the start %j is refused', async (request, message) => {
  const world = new World([machine], {});
  await expect(world.client((executions) => executions.start({ machine: 'm', ...request } as unknown as StartRequest))).rejects.toThrow(message);
});
