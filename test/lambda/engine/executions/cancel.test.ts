import type { MachineInput } from '../../../../lambda/machine';
import { committedAttempt } from '../../../support/committed';
import { World, type ActionBody } from '../../../support/world';

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
  check: (context) => {
    context.checked = true;
    return 'checked';
  },
  pay: () => 'paid',
};

const cancel = (world: World, executionId = 'x') => world.client((executions) => executions.cancel(executionId));

describe('a canceled execution', () => {
  test('that was parked keeps its context and accepts no events', async () => {
    const world = new World([machine], actions);
    await world.start('claim', 'x', { sum: 7 });
    await world.bench.run();
    expect(await cancel(world)).toBe('cancelled');
    expect(await world.describe('x')).toMatchObject({
      status: 'cancelled',
      state: 'waiting',
      context: { sum: 7, checked: true },
      waiting: [],
    });
    await expect(world.client((executions) => executions.send('x', 'approved'))).rejects.toThrow(
      'Execution "x" is cancelled',
    );
    await world.bench.run();
    expect(world.effects.map(({ action }) => action)).toEqual(['check']);
  });

  test('does not continue, even if an event has already woken it', async () => {
    const world = new World([machine], actions);
    await world.start('claim', 'x');
    await world.bench.run();
    expect(await world.client((executions) => executions.send('x', 'approved'))).toBe('woken');
    await cancel(world);
    await world.bench.run();
    expect(world.effects.map(({ action }) => action)).toEqual(['check']);
    expect(world.count('Duplicate')).toBe(1);
    expect(await world.describe('x')).toMatchObject({ status: 'cancelled', waiting: [] });
  });

  test('discards the result of an action that was running', async () => {
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
    const [step] = (await world.describe('x'))?.steps ?? [];
    expect(committedAttempt(step)).toMatchObject({ outcome: 'cancelled', event: '$cancel' });
  });

  test('is not completed by an action that was running', async () => {
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

  test('is not retried if it was waiting for a retry', async () => {
    const world = new World([{ ...machine, maxRetries: 3, backoff: { baseSeconds: 60, capSeconds: 60 } }], {
      ...actions,
      check: () => {
        throw new Error('not yet');
      },
    });
    await world.start('claim', 'x');
    await world.bench.advance(SECOND / 2);
    await cancel(world);
    await world.bench.run();
    expect(world.effects).toHaveLength(1);
    expect(await world.describe('x')).toMatchObject({ status: 'cancelled' });
  });

  test('that had failed cannot be redriven', async () => {
    const world = new World([machine], {
      ...actions,
      check: () => {
        throw new Error('never');
      },
    });
    await world.start('claim', 'x', { sum: 7 });
    await world.bench.run();
    expect(await cancel(world)).toBe('cancelled');
    expect(await world.describe('x')).toMatchObject({ status: 'cancelled', context: { sum: 7 } });
    await expect(world.client((executions) => executions.redrive('x'))).rejects.toThrow('Execution "x" is cancelled');
  });

  test('is not started by a late copy of its start', async () => {
    const world = new World([machine], actions);
    await world.start('claim', 'x');
    await world.bench.run();
    await cancel(world);
    await world.start('claim', 'x');
    await world.bench.run();
    expect(world.effects).toHaveLength(1);
  });

  test('is canceled once by two calls', async () => {
    const world = new World([machine], actions);
    await world.start('claim', 'x', { sum: 7 });
    await world.bench.run();
    await cancel(world);
    const described = await world.describe('x');
    expect(await cancel(world)).toBe('cancelled');
    expect(await world.describe('x')).toEqual(described);
  });
});

test('a completed execution stays completed', async () => {
  const world = new World([machine], actions);
  await world.start('claim', 'x');
  await world.client((executions) => executions.send('x', 'approved'));
  await world.bench.run();
  const described = await world.describe('x');
  expect(await cancel(world)).toBe('completed');
  expect(await world.describe('x')).toEqual(described);
});

test('an unknown execution cannot be canceled', async () => {
  const world = new World([machine], actions);
  await expect(cancel(world)).rejects.toThrow('"x"');
});
