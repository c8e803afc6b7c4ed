import { defineMachine } from '../../../../lambda/machine';
import { World } from '../../../support/world';

const counter = defineMachine({
  name: 'counter',
  initial: 'counting',
  maxRetries: 0,
  states: {
    counting: { do: 'count', on: { again: { target: 'counting', local: true }, counted: 'done', wait: 'counting' } },
    done: { final: true },
  },
});

test.each([
  ['completes', 'counted', 'completed'],
  ['parks', undefined, 'parked'],
])(
  'a step of 2,000 local transitions %s, with a journal entry of bounded size',
  async (_, event, status) => {
    let count = 0;
    const world = new World([counter], { count: () => ((count += 1) <= 2_000 ? 'again' : event) });
    await world.start('counter', 'x');
    await world.bench.run();
    const description = await world.describe('x');
    expect(description).toMatchObject({ status });
    const [first] = description?.steps ?? [];
    expect(JSON.stringify(first).length).toBeLessThan(2_000);
    expect(first).toMatchObject(event ? { attempts: [{ omittedStates: 1_981 }] } : {});
  },
  60_000,
);

test('a local transition to itself without end fails the step, and harms no other execution', async () => {
  const world = new World([counter], {
    count: (_context, run) => (run.executionId === 'endless' ? 'again' : 'counted'),
  });
  await world.start('counter', 'endless');
  for (let index = 0; index < 4; index += 1) await world.start('counter', `healthy-${index}`);
  await world.bench.run();
  expect(await world.describe('endless')).toMatchObject({
    status: 'failed',
    error: { name: 'LocalTransitionsError', message: expect.stringContaining('state "counting"') },
  });
  expect(world.services.locks.all.filter(({ status }) => status === 'completed')).toHaveLength(4);
}, 120_000);
