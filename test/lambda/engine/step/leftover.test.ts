import type { JsonObject, MachineInput } from '../../../../lambda/machine';
import { historyOf } from '../../../support/history';
import { mailsOf } from '../../../support/mails-of';
import { World } from '../../../support/world';

const machine: MachineInput = {
  name: 'claim',
  initial: 'waiting',
  states: {
    waiting: { do: 'ask', on: { approved: 'paying' } },
    paying: { do: 'pay', on: { paid: 'done' } },
    done: { final: true },
  },
};

/**
 *     action   ── returns ─────────────────────── changes the context
 *     parker               ── checkpoint ── commit …                  … ── wakes with the event that waits
 *     client                                              wakes ──
 */
test('an action that continues after it returned does not change the context that wakes a parked execution', async () => {
  const seen: JsonObject[] = [];
  const world = new World(
    [machine],
    {
      ask: (context, _, { clock }) => {
        void clock.sleep(2_000).then(() => {
          context.late = true;
        });
      },
      pay: (context) => {
        seen.push(structuredClone(context));
        return 'paid';
      },
    },
    { faults: [{ on: 'locks.commit', call: 1, fault: 'delay', milliseconds: 8_000 }] },
  );
  await world.client((executions) => executions.send('x', 'approved'));
  await world.start('claim', 'x', { sum: 7 });
  await world.bench.run();
  expect(await world.describe('x')).toMatchObject({ status: 'completed' });
  expect(seen).toEqual([{ sum: 7 }]);
});

test('an event that no state handles expires when its execution ends, even if no event ever moved that execution', async () => {
  const working: MachineInput = {
    name: 'short',
    initial: 'working',
    states: { working: { do: 'work', on: { worked: 'done' } }, done: { final: true } },
  };
  const world = new World([working], { work: () => 'worked' });
  await world.client((executions) => executions.send('x', 'approved', { data: 'personal data' }));
  await world.start('short', 'x');
  await world.bench.run();
  expect(world.lock('x')?.status).toBe('completed');
  expect(await mailsOf(world.services.mailbox, world.lock('x')!)).toEqual([]);
});

/**
 *     attempt 1   ── checkpoint "parked" ╳
 *     attempt 2                              ── checkpoint "parked" ── commit
 */
test('the checkpoint of an attempt that died before its commit expires', async () => {
  const retention = 86_400_000;
  const world = new World(
    [machine],
    { ask: () => undefined, pay: () => 'paid' },
    {
      retention,
      faults: [{ on: 'locks.commit', call: 1, fault: 'crash', effect: 'before' }],
    },
  );
  const fences = async () => (await historyOf(world.services.journal, world.lock('x')!)).map(({ fence }) => fence);
  await world.start('claim', 'x');
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ status: 'parked', fence: 2 });
  expect(await fences()).toEqual([1, 2]);
  await world.bench.advance(retention + 1);
  expect(await fences()).toEqual([2]);
});
