import { World } from './world';
import type { MachineInput } from '../../lambda/machine';

const machine: MachineInput = {
  name: 'order',
  initial: 'charging',
  maxRetries: 0,
  states: { charging: { do: 'charge', on: { charged: 'done' } }, done: { final: true } },
};

/**
 *     first    ── opens the lock ── sends ──
 *     worker                               ── fails again: checkpoint 2 ── commit(failed) ──
 *     second           ── reads the lock: running ──                     reads the history ──
 */
test('does not touch a failure that comes between its two looks', async () => {
  const world = new World([machine], { charge: () => { throw new Error('refused'); } });
  const { journal } = world.services;
  await world.start('order', 'x');
  await world.bench.run();
  await world.client((executions) => executions.redrive('x'));
  const expired: number[] = [];
  const { history, expire } = journal;
  jest.spyOn(journal, 'expire').mockImplementation(async (executionId, step, fence) => {
    expired.push(fence);
    await expire.call(journal, executionId, step, fence);
  });
  jest.spyOn(journal, 'history').mockImplementationOnce(async (executionId) => {
    await world.bench.run();
    return history.call(journal, executionId);
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
test('opens no failure that is later than the one whose envelope it has', async () => {
  const world = new World([machine], { charge: () => { throw new Error('refused'); } });
  const { journal } = world.services;
  await world.start('order', 'x');
  await world.bench.run();
  const { history } = journal;
  jest.spyOn(journal, 'history').mockImplementationOnce(async (executionId) => {
    await world.client((executions) => executions.redrive('x'));
    await world.bench.run();
    return history.call(journal, executionId);
  });
  await expect(world.client((executions) => executions.redrive('x'))).rejects.toThrow('Execution "x" is changing');
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ status: 'failed', fence: 2 });
  expect(world.effects).toHaveLength(2);
});

test('says so when the execution was cancelled between its look and its opening', async () => {
  const world = new World([machine], { charge: () => { throw new Error('refused'); } });
  const { journal } = world.services;
  await world.start('order', 'x');
  await world.bench.run();
  const { history } = journal;
  jest.spyOn(journal, 'history').mockImplementationOnce(async (executionId) => {
    await world.services.locks.cancel('x', world.clock.now());
    return history.call(journal, executionId);
  });
  await expect(world.client((executions) => executions.redrive('x'))).rejects.toThrow('Execution "x" is changing');
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ status: 'cancelled' });
  expect(world.effects).toHaveLength(1);
});
