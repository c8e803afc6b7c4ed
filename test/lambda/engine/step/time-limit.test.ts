import { defineMachine, type Run } from '../../../../lambda/machine';
import { World } from '../../../support/world';

const SECOND = 1_000;

const machine = defineMachine({
  name: 'limited',
  initial: 'working',
  maxRetries: 2,
  backoff: { baseSeconds: 1, capSeconds: 4 },
  states: {
    working: { do: 'work', on: { worked: 'done' }, timeLimit: { seconds: 2 }, catch: 'mended' },
    mended: { entry: 'mend', final: true },
    done: { final: true },
  },
});
const other = defineMachine({
  name: 'other',
  initial: 'working',
  states: { working: { do: 'help', on: { helped: 'done' } }, done: { final: true } },
});

test.each(['sqs', 'sqs-fifo', 'kinesis', 'dynamodb', 'sns'] as const)(
  'an action that never ends is retried and then caught, within its limits and its backoff (%s)',
  async (source) => {
    const world = new World(
      [machine, other],
      { work: () => new Promise(() => undefined), mend: () => undefined, help: () => 'helped' },
      { eventSources: [source], retryQueues: ['sqs'] },
    );
    const began = world.clock.now();
    for (let index = 0; index < 5; index += 1) await world.start('other', `healthy-${index}`);
    await world.start('limited', 'hanging');
    await world.bench.run();
    const attempts = world.effects.filter(({ action }) => action === 'work');
    expect(attempts.map(({ attempt }) => attempt)).toEqual([0, 1, 2]);
    const [mend] = world.effects.filter(({ action }) => action === 'mend');
    expect((mend?.at ?? Infinity) - began).toBeLessThan((3 * 2 + 1 + 2 + 3) * SECOND);
    expect(world.lock('hanging')).toMatchObject({ status: 'completed', state: 'mended' });
    const healthy = world.services.locks.all.filter(({ executionId }) => executionId !== 'hanging');
    expect(healthy.map(({ status, fence }) => [status, fence])).toEqual(
      Array.from({ length: 5 }, () => ['completed', 2]),
    );
  },
);

test('the remaining time of an action is that of its limit', async () => {
  const seen: number[] = [];
  const world = new World([machine], {
    work: async (_context, run: Run, { bench, clock }) => {
      seen.push(run.remainingMilliseconds());
      await bench.activity.sleep(() => clock.sleep(500));
      seen.push(run.remainingMilliseconds());
      return 'worked';
    },
  });
  await world.start('limited', 'x');
  await world.bench.run();
  expect(seen).toEqual([2_000, 1_500]);
  expect(world.lock('x')?.status).toBe('completed');
});

test('each action of a state has the whole limit', async () => {
  const all = defineMachine({
    name: 'all',
    initial: 'first',
    states: {
      first: {
        entry: 'slow',
        do: 'next',
        exit: 'slow',
        on: { next: { target: 'second', action: 'slow' } },
        timeLimit: { seconds: 2 },
      },
      second: { entry: 'slow', final: true, timeLimit: { seconds: 2 } },
    },
  });
  const world = new World([all], {
    slow: (_context, _run, { bench, clock }) => bench.activity.sleep(() => clock.sleep(1_900)),
    next: () => 'next',
  });
  await world.start('all', 'x');
  await world.bench.run();
  expect(world.lock('x')?.status).toBe('completed');
  expect(world.count('Error')).toBe(0);
});

test('a failed action has the message of its limit', async () => {
  const world = new World([machine], { work: () => new Promise(() => undefined), mend: () => undefined });
  await world.start('limited', 'x');
  await world.bench.run();
  const description = await world.describe('x');
  const [first] = description?.steps ?? [];
  expect(JSON.stringify(first)).toContain(
    'Machine \\"limited\\", state \\"working\\": the action \\"work\\" did not finish within its time limit of 2 s.',
  );
});
