import { World, type ActionBody } from './world';
import type { MachineInput } from '../../lambda/machine';

const SECOND = 1_000;

const machine: MachineInput = {
  name: 'claim',
  initial: 'checking',
  maxRetries: 0,
  states: {
    checking: { do: 'check', on: { checked: 'waiting' } },
    waiting: { on: { approved: 'paying' } },
    paying: { do: 'pay', on: { paid: 'done' } },
    done: { final: true },
  },
};

const actions: Record<string, ActionBody> = {
  check: (context) => { context.checked = true; return 'checked'; },
  pay: () => 'paid',
};

const cancel = (world: World, executionId = 'x') => world.client((executions) => executions.cancel(executionId));

describe('an execution that is cancelled', () => {
  test('while it is parked stays what it was, and takes no event any more', async () => {
    const world = new World([machine], actions);
    await world.start('claim', 'x', { sum: 7 });
    await world.bench.run();
    expect(await cancel(world)).toBe('cancelled');
    expect(await world.describe('x')).toMatchObject({ status: 'cancelled', state: 'waiting', context: { sum: 7, checked: true }, waiting: [] });
    await expect(world.client((executions) => executions.send('x', 'approved'))).rejects.toThrow('Execution "x" is cancelled');
    await world.bench.run();
    expect(world.effects.map(({ action }) => action)).toEqual(['check']);
  });

  test('though an event has woken it already, does not go on', async () => {
    const world = new World([machine], actions);
    await world.start('claim', 'x');
    await world.bench.run();
    expect(await world.client((executions) => executions.send('x', 'approved'))).toBe('woken');
    await cancel(world);
    await world.bench.run();
    expect(world.effects.map(({ action }) => action)).toEqual(['check']);
    expect(world.count('Orphan')).toBe(1);
    expect(await world.describe('x')).toMatchObject({ status: 'cancelled', waiting: [] });
  });

  test('while an action runs keeps nothing of what that one comes to', async () => {
    const world = new World([machine], {
      ...actions,
      check: async (context, _, { clock }) => {
        await clock.sleep(2 * SECOND);
        context.checked = true;
        return 'checked';
      },
    });
    await world.start('claim', 'x');
    await world.bench.advance(SECOND);
    await cancel(world);
    await world.bench.run();
    expect(world.effects).toHaveLength(1);
    expect(await world.describe('x')).toMatchObject({ status: 'cancelled', step: 0, state: 'checking' });
    expect((await world.describe('x'))?.steps[0]).toMatchObject({ committed: { outcome: 'cancelled', event: '$cancel' } });
  });

  test('while an action runs that ends the execution is not completed by it', async () => {
    const world = new World([{ ...machine, initial: 'last', states: { last: { final: true, do: 'pay' } } }], {
      pay: async (_context, _run, { clock }) => clock.sleep(2 * SECOND),
    });
    await world.start('claim', 'x');
    await world.bench.advance(SECOND);
    await cancel(world);
    await world.bench.run();
    expect(await world.describe('x')).toMatchObject({ status: 'cancelled' });
    expect(world.count('Completed')).toBe(0);
  });

  test('while it waits for its retry is not tried again', async () => {
    const world = new World([{ ...machine, maxRetries: 3, backoff: { baseSeconds: 60, capSeconds: 60 } }], {
      ...actions,
      check: () => { throw new Error('not yet'); },
    });
    await world.start('claim', 'x');
    await world.bench.advance(SECOND / 2);
    await cancel(world);
    await world.bench.run();
    expect(world.effects).toHaveLength(1);
    expect(await world.describe('x')).toMatchObject({ status: 'cancelled' });
  });

  test('after it has failed cannot be redriven', async () => {
    const world = new World([machine], { ...actions, check: () => { throw new Error('never'); } });
    await world.start('claim', 'x', { sum: 7 });
    await world.bench.run();
    expect(await cancel(world)).toBe('cancelled');
    expect(await world.describe('x')).toMatchObject({ status: 'cancelled', context: { sum: 7 } });
    await expect(world.client((executions) => executions.redrive('x'))).rejects.toThrow('Execution "x" is cancelled');
  });

  test('is started no more by a late copy of its start', async () => {
    const world = new World([machine], actions);
    await world.start('claim', 'x');
    await world.bench.run();
    await cancel(world);
    await world.start('claim', 'x');
    await world.bench.run();
    expect(world.effects).toHaveLength(1);
  });

  test('twice is cancelled once', async () => {
    const world = new World([machine], actions);
    await world.start('claim', 'x', { sum: 7 });
    await world.bench.run();
    await cancel(world);
    const described = await world.describe('x');
    expect(await cancel(world)).toBe('cancelled');
    expect(await world.describe('x')).toEqual(described);
  });
});

test('an execution that has completed is left as it is', async () => {
  const world = new World([machine], actions);
  await world.start('claim', 'x');
  await world.client((executions) => executions.send('x', 'approved'));
  await world.bench.run();
  const described = await world.describe('x');
  expect(await cancel(world)).toBe('completed');
  expect(await world.describe('x')).toEqual(described);
});

test('an execution that nobody knows cannot be cancelled', async () => {
  const world = new World([machine], actions);
  await expect(cancel(world)).rejects.toThrow('"x"');
});
