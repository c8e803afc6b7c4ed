import { defineMachine, implement } from '../../../../lambda/machine';
import { Effects, simulate } from '../../../../lambda/testing';

/** The machine of docs/guide/simulation.md. */
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
  test('reports no problems for idempotent actions, and enters every state', async () => {
    const effects = new Effects();
    const report = await simulate(
      implement(order, {
        charge: async (_context, run) => effects.once('card charged', run, () => 'charged' as const),
        thank: (_context, run) => {
          effects.once('mail sent', run, () => undefined);
        },
      }),
      { effects, seeds: SEEDS },
    );
    expect(report.problems).toEqual([]);
    expect(report.faults).toBeGreaterThan(SEEDS);
    expect((report.outcomes.completed ?? 0) + (report.outcomes.failed ?? 0)).toBe(2 * SEEDS);
  });

  test('reports an action that repeats an effect, with the single fault that reproduces it', async () => {
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

  test('reports executions that never end', async () => {
    const circle = defineMachine({
      name: 'circle',
      initial: 'here',
      states: {
        here: { do: 'go', on: { on: 'there', out: 'done' } },
        there: { do: 'go', on: { on: 'here', out: 'done' } },
        done: { final: true },
      },
    });
    const report = await simulate(implement(circle, { go: async () => 'on' }), { seeds: 1, maxInvocations: 100 });
    expect(report.problems.map(({ kind, message }) => `${kind}: ${message}`)).toEqual([
      expect.stringContaining('never ends: An execution loops endlessly: it keeps entering "here", "there"'),
      'unreached state: No run entered state "done" of machine "circle".',
    ]);
  });

  describe('with one seed', () => {
    /** Its states need particular events, a failure, and another machine. */
    const ticket = defineMachine({
      name: 'ticket',
      initial: 'open',
      states: {
        open: { on: { taken: 'working', closed: 'closed', spam: 'deleted', merged: 'merged', asked: 'waiting' } },
        waiting: { on: { answered: 'open', abandoned: 'closed' }, timeout: { seconds: 60, event: 'abandoned' } },
        working: { do: 'work', on: { solved: 'closed' }, maxRetries: 1, catch: 'escalated' },
        escalated: { on: { solved: 'closed' } },
        closed: { final: true },
        deleted: { final: true },
        merged: { final: true },
      },
    });
    const mail = defineMachine({
      name: 'mail',
      initial: 'sent',
      states: { sent: { on: { read: 'done' } }, done: { final: true } },
    });
    const machines = [implement(ticket, { work: async () => 'solved' }), implement(mail, {})];

    test.each([1, 2, 3, 4, 5])('%i, calls no state unreached that more seeds reach', async (seed) => {
      const report = await simulate(machines, { seeds: 1, seed, executions: 1 });
      expect(report.problems).toEqual([]);
    });

    test('still reports a state that no path leads to', async () => {
      const stuck = implement(
        defineMachine({
          name: 'stuck',
          initial: 'a',
          states: { a: { do: 'work', on: { go: 'z', never: 'b' } }, b: { on: { go: 'z' } }, z: { final: true } },
        }),
        { work: async () => 'go' },
      );
      const report = await simulate(stuck, { seeds: 1 });
      expect(report.problems.map(({ message }) => message)).toEqual(['No run entered state "b" of machine "stuck".']);
    });
  });

  test('reports errors of verify, with custom contexts and data', async () => {
    const seen = new Set<unknown>();
    const report = await simulate(
      implement(order, {
        charge: async () => 'charged',
        thank: (_context, run) => {
          seen.add(run.data);
        },
      }),
      {
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
      },
    );
    expect(report.problems).toEqual([expect.objectContaining({ kind: 'verify', message: 'It was not shipped.' })]);
    expect(report.problems[0]?.story).toContain('packing --lost--> cancelled');
    expect([...seen]).toContainEqual({ event: 'packed' });
  });

  test('rejects a simulation without seeds or executions', async () => {
    await expect(
      simulate(implement(order, { charge: async () => 'charged', thank: () => undefined }), { seeds: 0 }),
    ).rejects.toThrow(RangeError);
  });
});
