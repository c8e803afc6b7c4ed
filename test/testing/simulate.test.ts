import { defineMachine, implement } from '../../lambda/machine';
import { Effects, simulate } from '../../lambda/testing';

/** The machine of the guide. */
const order = defineMachine({
  name: 'order',
  initial: 'charging',
  maxRetries: 3,
  states: {
    charging: { do: 'charge', on: { charged: 'packing' }, catch: 'cancelled' },
    packing: { on: { packed: 'shipped', lost: 'cancelled' } },
    shipped: { entry: 'thank', final: true },
    cancelled: { final: true },
  },
});

const SEEDS = 30;

jest.setTimeout(60_000);

describe('simulate', () => {
  test('finds nothing wrong with actions that are idempotent, and reaches every state', async () => {
    const effects = new Effects();
    const report = await simulate(implement(order, {
      charge: async (_context, run) => effects.once('card charged', run, () => 'charged' as const),
      thank: (_context, run) => { effects.once('mail sent', run, () => undefined); },
    }), { effects, seeds: SEEDS });
    expect(report.problems).toEqual([]);
    expect(report.faults).toBeGreaterThan(SEEDS);
    expect((report.outcomes.completed ?? 0) + (report.outcomes.failed ?? 0)).toBe(2 * SEEDS);
  });

  test('finds an action that does something twice, with the one fault that shows it', async () => {
    const effects = new Effects();
    const implementation = implement(order, {
      charge: async (_context, run) => {
        effects.record('card charged', run);
        return 'charged';
      },
      thank: () => undefined,
    });
    const report = await simulate(implementation, { effects, seeds: SEEDS });
    expect(report.problems).toHaveLength(1);
    const [problem] = report.problems;
    expect(problem).toMatchObject({
      kind: 'repeated effect',
      message: '"card charged" by the do action of state "charging" happened twice under one idempotency key.',
    });
    expect(problem?.faults).toHaveLength(1);
    expect(String(report)).toContain(`seed: ${problem?.seed}`);

    const again = await simulate(implementation, { effects, seeds: 1, seed: problem?.seed, faults: problem?.faults });
    expect(again.problems.map(({ message }) => message)).toContain(problem?.message);
  });

  test('finds executions that never end', async () => {
    const circle = defineMachine({
      name: 'circle',
      initial: 'here',
      states: { here: { do: 'go', on: { on: 'there', out: 'done' } }, there: { do: 'go', on: { on: 'here', out: 'done' } }, done: { final: true } },
    });
    const report = await simulate(implement(circle, { go: async () => 'on' }), { seeds: 1, maxInvocations: 100 });
    expect(report.problems.map(({ kind, message }) => `${kind}: ${message}`)).toEqual([
      expect.stringContaining('never ends: An execution goes on for ever: round and round "here", "there"'),
      'unreached state: No run has entered state "done" of machine "circle".',
    ]);
  });

  test('finds what the test itself finds wrong, from contexts and data of its own', async () => {
    const seen = new Set<unknown>();
    const report = await simulate(implement(order, { charge: async () => 'charged', thank: (_context, run) => { seen.add(run.data); } }), {
      seeds: 5,
      faults: [],
      context: (machine, random) => ({ machine, lucky: random.chance(0.5) }),
      data: (event) => ({ event }),
      verify: ({ executions }) => {
        for (const { state, context } of executions) {
          expect(context.machine).toBe('order');
          if (state !== 'shipped') throw new Error('It was not shipped.');
        }
      },
    });
    expect(report.problems).toEqual([expect.objectContaining({ kind: 'verify', message: 'It was not shipped.' })]);
    expect(report.problems[0]?.story).toContain('packing --lost--> cancelled');
    expect([...seen]).toContainEqual({ event: 'packed' });
  });

  test('refuses to run nothing', async () => {
    await expect(simulate(implement(order, { charge: async () => 'charged', thank: () => undefined }), { seeds: 0 })).rejects.toThrow(RangeError);
  });
});
