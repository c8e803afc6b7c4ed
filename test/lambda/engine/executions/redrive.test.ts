import type { MachineInput } from '../../../../lambda/machine';
import { World } from '../../../support/world';

const machine: MachineInput = {
  name: 'order',
  initial: 'charging',
  maxRetries: 0,
  states: { charging: { do: 'charge', on: { charged: 'done' } }, done: { final: true } },
};

/**
 *     first    ── reopens the lock ── sends ──
 *     worker                               ── fails again: checkpoint 2 ── commit(failed) ──
 *     second           ── reads the lock: running ──                     reads the journal ──
 */
test('does not affect a failure that occurs between its two reads', async () => {
  const world = new World([machine], {
    charge: () => {
      throw new Error('refused');
    },
  });
  const { journal } = world.services;
  await world.start('order', 'x');
  await world.bench.run();
  await world.client((executions) => executions.redrive('x'));
  const expired: number[] = [];
  const { read, expire } = journal;
  jest.spyOn(journal, 'expire').mockImplementation(async (executionId, step, fence) => {
    expired.push(fence);
    await expire.call(journal, executionId, step, fence);
  });
  jest.spyOn(journal, 'read').mockImplementationOnce(async (...key) => {
    await world.bench.run();
    return read.call(journal, ...key);
  });
  await world.client((executions) => executions.redrive('x'));
  expect(world.lock('x')).toMatchObject({ status: 'failed', fence: 2 });
  expect(expired).toEqual([1]);
});

/**
 *     first    ── reads the lock: fence 1 ──                                                            ── opens fence 1: refused
 *     second                                 ── opens fence 1 ── sends ──
 *     worker                                                              ── fails: fence 2 ── commit ──
 *
 * The envelope of the first failure must not be sent for the second one, which may have to wait for an action that still runs.
 */
test('does not reopen a failure that is later than the one that it has read', async () => {
  const world = new World([machine], {
    charge: () => {
      throw new Error('refused');
    },
  });
  const { journal } = world.services;
  await world.start('order', 'x');
  await world.bench.run();
  const { read } = journal;
  jest.spyOn(journal, 'read').mockImplementationOnce(async (...key) => {
    await world.client((executions) => executions.redrive('x'));
    await world.bench.run();
    return read.call(journal, ...key);
  });
  await expect(world.client((executions) => executions.redrive('x'))).rejects.toThrow('Execution "x" is changing');
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ status: 'failed', fence: 2 });
  expect(world.effects).toHaveLength(2);
});

test('throws if the execution is cancelled between the read and the reopening', async () => {
  const world = new World([machine], {
    charge: () => {
      throw new Error('refused');
    },
  });
  const { journal } = world.services;
  await world.start('order', 'x');
  await world.bench.run();
  const { read } = journal;
  jest.spyOn(journal, 'read').mockImplementationOnce(async (...key) => {
    await world.services.locks.cancel('x', world.clock.now());
    return read.call(journal, ...key);
  });
  await expect(world.client((executions) => executions.redrive('x'))).rejects.toThrow('Execution "x" is changing');
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ status: 'cancelled' });
  expect(world.effects).toHaveLength(1);
});
