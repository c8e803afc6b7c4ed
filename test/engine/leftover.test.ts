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
