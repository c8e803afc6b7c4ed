import { World } from './world';
import { defineMachine } from '../../lambda/machine';
import type { EventSourceKind } from '../../lambda/testing';

const line = defineMachine({
  name: 'line',
  initial: 'a',
  states: { a: { do: 'go', on: { go: 'b' } }, b: { do: 'go', on: { go: 'c' } }, c: { do: 'go', on: { go: 'end' } }, end: { final: true } },
});

function worldOn(...eventSources: EventSourceKind[]): World {
  return new World([line], { go: () => 'go' }, { eventSources });
}

/** Takes what the source would deliver next, and processes it never. */
function lose(world: World): void {
  const [source] = world.services.eventSources;
  const batch = source?.take(10) ?? [];
  expect(batch).not.toEqual([]);
  source?.settle(batch, new Map(batch.map(({ id }) => [id, 'acknowledge'])));
}

/** Runs until the execution has sent the envelope of that step. */
async function runTo(world: World, step: number): Promise<void> {
  await world.bench.run({ until: () => world.count('Transition') === step });
}

const resume = (world: World) => world.client((executions) => executions.resume('x'));

test.each(['kinesis', 'dynamodb'] as const)('a stalled execution goes on, from what the checkpoint on %s says', async (source) => {
  const world = worldOn(source);
  await world.start('line', 'x');
  await runTo(world, 2);
  lose(world);
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ status: 'running', step: 1 });

  await world.bench.advance(60_000);
  await expect(resume(world)).resolves.toBe('resumed');
  await world.bench.run();
  expect(await world.describe('x')).toMatchObject({ status: 'completed', step: 3 });
  expect(new Set(world.effects.map(({ key }) => key)).size).toBe(world.effects.length);
});

test('a healthy execution is not disturbed', async () => {
  const world = worldOn('kinesis');
  await world.start('line', 'x');
  await runTo(world, 1);
  await expect(resume(world)).resolves.toBe('running');
  await world.bench.advance(60_000, { until: () => world.count('Transition') === 2 });
  await resume(world);
  await world.bench.run();
  await expect(resume(world)).resolves.toBe('completed');
  expect(world.effects).toHaveLength(3);
});

test('an envelope that was resumed although it was only late runs once', async () => {
  const world = worldOn('kinesis');
  await world.start('line', 'x');
  await runTo(world, 1);
  const grant = world.services.locks;
  const lock = world.lock('x');
  if (!lock) throw new Error('expected a lock');
  await grant.release({ ...lock });
  await expect(resume(world)).resolves.toBe('resumed');
  await world.bench.run();
  expect(world.lock('x')?.status).toBe('completed');
  expect(world.count('Duplicate')).toBe(1);
  expect(world.effects).toHaveLength(3);
});

test('a queue cannot be asked: the error says where the envelope is', async () => {
  const world = worldOn('sqs');
  await world.start('line', 'x');
  await runTo(world, 2);
  lose(world);
  await world.bench.advance(60_000);
  await expect(resume(world)).rejects.toThrow(/The envelope after step 1 of execution "x" cannot be read back\. It was put here: sqs event-source-1 event-source-1-3/);
  await expect(world.client((executions) => executions.resume('nobody'))).rejects.toThrow('There is no execution "nobody"');
});
