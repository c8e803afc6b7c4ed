import fc from 'fast-check';
import { InvalidTokenError } from '../../lambda/engine';
import { defineMachine } from '../../lambda/machine';
import { World, type ActionBody } from '../support/world';

const waiting = defineMachine({
  name: 'waiting',
  initial: 'first',
  states: {
    first: { do: 'begin', on: { done: 'second' } },
    second: { do: 'begin', on: { done: 'end' } },
    end: { final: true },
  },
});

/** A workflow of waiting executions, each with the token that it has handed out. */
async function parked(executionIds: readonly string[], seed = 1) {
  const tokens = new Map<string, string>();
  const begin: ActionBody = async (_context, run) => {
    tokens.set(run.executionId, await run.callbackToken());
  };
  const world = new World([waiting], { begin }, { seed });
  for (const executionId of executionIds) await world.start('waiting', executionId);
  await world.bench.run();
  const complete = (token: string) => world.client((executions) => executions.complete(token, 'done'));
  return { world, tokens, complete };
}

test('a token with any character changed, removed or added is rejected', async () => {
  const { world, tokens, complete } = await parked(['x']);
  const token = tokens.get('x')!;
  const character = fc.constantFrom(...'ABCDEFghijkl0129-_.=/+ \0é');
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: token.length - 1 }),
      character,
      fc.constantFrom(0, 1),
      async (at, other, removed) => {
        const forged = token.slice(0, at) + other + token.slice(at + removed);
        if (forged !== token) await expect(complete(forged)).rejects.toThrow(InvalidTokenError);
        await expect(complete(token.slice(0, at) + token.slice(at + 1))).rejects.toThrow(InvalidTokenError);
      },
    ),
    { numRuns: 200 },
  );
  expect(world.lock('x')?.step).toBe(0);
});

test('the parts of two valid tokens do not combine into a third', async () => {
  const { world, tokens, complete } = await parked(['x', 'y']);
  const before = tokens.get('x')!.split('.');
  await complete(tokens.get('x')!);
  await world.bench.run();
  const [x, y] = [tokens.get('x')!.split('.'), tokens.get('y')!.split('.')];
  for (const forged of [
    [x[0], y[1], y[2], y[3]],
    [y[0], x[1], x[2], x[3]],
    [x[0], y[1], x[2], x[3]],
    [x[0], x[1], x[2], y[3]],
    [x[0], x[1], x[2], before[3]],
    [y[0], y[1], y[2], before[3]],
  ]) {
    await expect(complete(forged.join('.'))).rejects.toThrow(InvalidTokenError);
  }
  expect([world.lock('x')?.step, world.lock('y')?.step]).toEqual([1, 0]);
});

test('the token of another workflow is rejected, even for the same executionId', async () => {
  const [mine, theirs] = [await parked(['x'], 1), await parked(['x'], 2)];
  await expect(mine.complete(theirs.tokens.get('x')!)).rejects.toThrow(InvalidTokenError);
});

test('a replayed token continues its execution by one step, even concurrently and together with the next token', async () => {
  const { world, tokens, complete } = await parked(['x']);
  const first = tokens.get('x')!;
  await Promise.all(Array.from({ length: 10 }, () => complete(first)));
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ step: 1, status: 'parked' });
  expect(await Promise.all(Array.from({ length: 10 }, () => complete(first)))).toEqual(Array(10).fill('spent'));
  await complete(tokens.get('x')!);
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ step: 2, status: 'completed' });
  expect(world.effects).toHaveLength(2);
});

test('no other text is accepted as a token, however long', async () => {
  const { complete } = await parked(['x']);
  for (const text of [
    'A'.repeat(10_000_000),
    `${'A'.repeat(100_000)}.0.${'A'.repeat(43)}`,
    `eA.${'9'.repeat(400)}.${'A'.repeat(43)}`,
    '\ud800',
    'eA.-1.x',
  ]) {
    await expect(complete(text)).rejects.toThrow(InvalidTokenError);
  }
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async (text) => {
      await expect(complete(text)).rejects.toThrow(InvalidTokenError);
    }),
  );
});
