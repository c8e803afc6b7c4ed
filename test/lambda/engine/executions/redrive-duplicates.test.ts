import { encodeEnvelope } from '../../../../lambda/engine/envelope/codec';
import { startEnvelope } from '../../../../lambda/engine/envelope/create';
import { defineMachine } from '../../../../lambda/machine';
import { World } from '../../../support/world';

const SECOND = 1_000;

function working(maxRetries: number) {
  return defineMachine({
    name: 'working',
    initial: 'working',
    maxRetries,
    backoff: { baseSeconds: 0, capSeconds: 0 },
    states: { working: { do: 'work', on: { worked: 'done' } }, done: { final: true } },
  });
}

/** An execution whose action succeeds on the given call, and has failed before. */
async function failed(maxRetries: number, succeedsOn: number) {
  let calls = 0;
  const world = new World([working(maxRetries)], {
    work: () => {
      calls += 1;
      if (calls < succeedsOn) throw new Error('not yet');
      return 'worked';
    },
  });
  const bodies = world.recordBodies();
  await world.start('working', 'x', { n: 1 });
  await world.bench.run();
  expect(world.lock('x')?.status).toBe('failed');
  return { world, bodies, calls: () => calls, put: (body: string) => world.services.eventSources[0]!.put(body) };
}

test('a late copy of a message does not run beside an action that overran its time, after a redrive', async () => {
  let calls = 0;
  const world = new World([working(0)], {
    work: async (_context, _run, { bench, clock }) => {
      calls += 1;
      if (calls === 1) await bench.activity.sleep(() => clock.sleep(29 * SECOND));
      return 'worked';
    },
  });
  const bodies = world.recordBodies();
  await world.start('working', 'x');
  await world.bench.advance(27_500);
  expect(world.lock('x')?.status).toBe('failed');
  await world.client((client) => client.redrive('x'));
  world.services.eventSources[0]!.put(bodies[0]!);
  world.services.eventSources[0]!.put(world.services.deadLetters.letters[0]!.body);
  await world.bench.run();
  expect(world.lock('x')?.status).toBe('completed');
  const [first, second] = world.effects;
  expect(second!.at).toBeGreaterThanOrEqual(first!.at + 30 * SECOND);
});

test.each(['before', 'after'] as const)(
  'a redrive gives a step all its attempts, if a copy of the last retry arrives %s it',
  async (when) => {
    const { world, bodies, calls, put } = await failed(3, 8);
    expect(calls()).toBe(4);
    const last = bodies.at(-1)!;
    expect(last).toContain('"attempt":3');
    const [source] = world.services.eventSources;
    const { send } = source!;
    source!.send = async (dispatches) => {
      if (when === 'before') put(last);
      const answer = await send.call(source, dispatches);
      if (when === 'after') put(last);
      return answer;
    };
    await world.client((client) => client.redrive('x'));
    await world.bench.run();
    expect(world.lock('x')?.status).toBe('completed');
    expect(calls()).toBe(8);
  },
);

describe('a dead letter that is moved back to its source', () => {
  test('redrives the failed execution, with all attempts', async () => {
    const { world, calls, put } = await failed(2, 6);
    expect(calls()).toBe(3);
    put(world.services.deadLetters.letters[0]!.body);
    await world.bench.run();
    expect(world.lock('x')).toMatchObject({ status: 'completed' });
    expect(calls()).toBe(6);
    expect((await world.describe('x'))?.context).toEqual({ n: 1 });
  });

  test('can be moved back after each failure, and an older one changes nothing', async () => {
    const { world, calls, put } = await failed(0, 4);
    const letters = () => world.services.deadLetters.letters;
    for (const failures of [2, 3]) {
      put(letters().at(-1)!.body);
      await world.bench.run();
      expect([calls(), letters().length, world.lock('x')?.status]).toEqual([failures, failures, 'failed']);
    }
    put(letters()[0]!.body);
    put(letters()[1]!.body);
    await world.bench.run();
    expect(calls()).toBe(3);
    put(letters().at(-1)!.body);
    put(letters().at(-1)!.body);
    await world.bench.run();
    expect([calls(), world.lock('x')?.status]).toEqual([4, 'completed']);
  });

  test('changes nothing after the execution was redriven and completed', async () => {
    const { world, calls, put } = await failed(0, 2);
    await world.client((client) => client.redrive('x'));
    await world.bench.run();
    put(world.services.deadLetters.letters[0]!.body);
    await world.bench.run();
    expect([calls(), world.lock('x')?.status, world.count('Duplicate')]).toEqual([2, 'completed', 1]);
  });
});

test('a start whose executionId belongs to an execution of another machine is dead-lettered', async () => {
  const other = { ...working(0), name: 'other' };
  const world = new World([working(0), other], { work: () => 'worked' });
  await world.start('working', 'x');
  await world.bench.run();
  // Not by a client, which would refuse them.
  for (const machine of ['other', 'working']) {
    const start = startEnvelope({ executionId: 'x', machine, context: {}, sentAt: world.clock.now() }, machine);
    world.services.eventSources[0]!.put(encodeEnvelope(start));
  }
  await world.bench.run();
  expect(world.services.deadLetters.letters.map(({ machine, reason }) => [machine, reason])).toEqual([
    ['other', 'The executionId is in use by an execution of the machine "working": start with another executionId.'],
  ]);
  expect(world.effects).toHaveLength(1);
  expect(world.count('Duplicate')).toBe(1);
});
