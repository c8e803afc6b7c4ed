import { World } from './world';
import type { JsonObject, MachineInput } from '../../lambda/machine';

const machine: MachineInput = {
  name: 'claim',
  initial: 'waiting',
  states: { waiting: { do: 'ask', on: { approved: 'paying' } }, paying: { do: 'pay', on: { paid: 'done' } }, done: { final: true } },
};

/**
 *     action   ── returns ─────────────────────── changes the context
 *     parker               ── checkpoint ── commit …                  … ── wakes with the event that waits
 *     sender                                              wakes ──
 */
test('an action that goes on after it has returned changes nothing of what a parked execution is woken with', async () => {
  const seen: JsonObject[] = [];
  const world = new World([machine], {
    ask: (context, _, { clock }) => { void clock.sleep(2_000).then(() => { context.late = true; }); },
    pay: (context) => {
      seen.push(structuredClone(context));
      return 'paid';
    },
  }, { faults: [{ on: 'locks.commit', call: 1, fault: 'delay', milliseconds: 8_000 }] });
  await world.client((executions) => executions.send('x', 'approved'));
  await world.start('claim', 'x', { sum: 7 });
  await world.bench.run();
  expect(await world.describe('x')).toMatchObject({ status: 'completed' });
  expect(seen).toEqual([{ sum: 7 }]);
});

test('an event that no state takes goes when its execution ends, also when no event has ever taken that on', async () => {
  const working: MachineInput = { name: 'short', initial: 'working', states: { working: { do: 'work', on: { worked: 'done' } }, done: { final: true } } };
  const world = new World([working], { work: () => 'worked' });
  await world.client((executions) => executions.send('x', 'approved', { data: 'about somebody' }));
  await world.start('short', 'x');
  await world.bench.run();
  expect(world.lock('x')?.status).toBe('completed');
  expect(await world.services.mailbox.list('x')).toEqual([]);
});

/**
 *     attempt 1   ── checkpoint "parked" ╳
 *     attempt 2                              ── checkpoint "parked" ── commit
 */
test('what an attempt has written that died before its commit does not stay for ever', async () => {
  const retention = 86_400_000;
  const world = new World([machine], { ask: () => undefined, pay: () => 'paid' }, {
    retention, faults: [{ on: 'locks.commit', call: 1, fault: 'crash', effect: 'before' }],
  });
  const fences = async () => (await world.services.journal.history('x')).map(({ fence }) => fence);
  await world.start('claim', 'x');
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ status: 'parked', fence: 2 });
  expect(await fences()).toEqual([1, 2]);
  await world.bench.advance(retention + 1);
  expect(await fences()).toEqual([2]);
});
