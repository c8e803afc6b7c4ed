import { defineMachine } from '../../../../lambda/machine';
import type { SimulatedWorkflowOptions } from '../../../../lambda/testing/bench/simulated-workflow';
import { World } from '../../../support/world';

const order = defineMachine({
  name: 'order',
  initial: 'charging',
  states: { charging: { do: 'charge', on: { charged: 'done' } }, done: { final: true } },
});
const refund = defineMachine({
  name: 'refund',
  initial: 'paying',
  states: { paying: { do: 'charge', on: { charged: 'done' } }, done: { final: true } },
});

const open = (options: SimulatedWorkflowOptions = {}) =>
  new World([order, refund], { charge: async () => 'charged' }, options);

const MINUTE = 60_000;

const TEA = { sku: 'tea', lines: [{ id: 1, price: 2 }] };

/** The sources in which an envelope may be stored twice. */
const SOURCES = ['sqs', 'sqs-fifo', 'kinesis', 'dynamodb', 'sns'] as const;

describe('a start', () => {
  test.each(SOURCES)('is started once, and exists afterward: pending, running and ended, on %s', async (source) => {
    const world = open({ eventSources: [source] });
    expect(await world.start('order', 'x', TEA)).toEqual({ executionId: 'x', outcome: 'started' });
    expect(await world.start('order', 'x', TEA)).toEqual({ executionId: 'x', outcome: 'exists' });
    await world.bench.run();
    expect(await world.start('order', 'x', TEA)).toEqual({ executionId: 'x', outcome: 'exists' });
    await world.bench.run();
    expect(world.effects.map(({ action }) => action)).toEqual(['charge']);
  });

  test('of the same context in another order of its properties exists', async () => {
    const world = open();
    await world.start('order', 'x', TEA);
    const same = { lines: [{ price: 2, id: 1 }], sku: 'tea' };
    expect(await world.start('order', 'x', same)).toMatchObject({ outcome: 'exists' });
  });

  test.each([
    ['another machine', 'refund', TEA, 'machine', 'already exists, of machine "order"'],
    ['another context', 'order', { ...TEA, sku: 'coffee' }, 'context', 'already exists, with another context'],
    ['another order of a list', 'order', { ...TEA, lines: [{ id: 2 }, { id: 1 }] }, 'context', 'with another context'],
    ['no context', 'order', {}, 'context', 'with another context'],
  ])(
    'of an id that is taken with %s is an error, before and after it has run',
    async (_, machine, context, differs, text) => {
      const world = open();
      await world.start('order', 'x', TEA);
      const error = {
        code: 'EXECUTION_ALREADY_EXISTS',
        retryable: false,
        differs,
        message: expect.stringContaining(text),
      };
      await expect(world.start(machine, 'x', context)).rejects.toMatchObject(error);
      await world.bench.run();
      await expect(world.start(machine, 'x', context)).rejects.toMatchObject(error);
      const accepting = { machine, executionId: 'x', context, ifExists: 'accept' } as const;
      expect(await world.client((client) => client.start(accepting))).toEqual({ executionId: 'x', outcome: 'exists' });
      await world.bench.run();
      expect(await world.describe('x')).toMatchObject({ machine: 'order', status: 'completed', context: TEA });
      expect(world.effects).toHaveLength(1);
    },
  );

  test.each([-40, 40])(
    'is stamped with the time of its record by a client whose clock is %i days off',
    async (days) => {
      const world = open({ clientClockSkew: days * 86_400_000 });
      const bodies = world.recordBodies();
      await world.start('order', 'x', TEA);
      const { sentAt } = JSON.parse(bodies[0]!) as { readonly sentAt: number }; // An envelope.
      expect(Math.abs(sentAt - world.clock.now())).toBeLessThanOrEqual(MINUTE);
    },
  );

  test('is pending until it begins', async () => {
    const world = open();
    await world.start('order', 'x', TEA);
    expect(await world.describe('x')).toEqual({
      executionId: 'x',
      machine: 'order',
      status: 'pending',
      state: null,
      step: 0,
      startedAt: new Date(world.clock.now()),
      updatedAt: new Date(world.clock.now()),
      waiting: [],
      steps: [],
    });
    expect(await world.client((client) => client.resume('x'))).toBe('pending');
    await expect(world.client((client) => client.redrive('x'))).rejects.toMatchObject({ code: 'NOT_FAILED' });
    expect(await world.client((client) => client.send('x', 'charged'))).toBe('waiting');
  });

  test.each(SOURCES)('can be canceled before it begins, on %s', async (source) => {
    const world = open({ eventSources: [source] });
    await world.start('order', 'x', TEA);
    expect(await world.client((client) => client.cancel('x'))).toBe('cancelled');
    await world.bench.run();
    expect(world.effects).toEqual([]);
    expect(await world.describe('x')).toMatchObject({ status: 'cancelled', state: null, step: 0 });
    expect(await world.start('order', 'x', TEA)).toEqual({ executionId: 'x', outcome: 'exists' });
    await world.bench.run();
    expect([world.effects, world.services.deadLetters.letters]).toEqual([[], []]);
  });

  test.each([
    ['the send fails', { fault: 'fail', on: 'client.eventSources', call: 1, effect: 'before' }],
    [
      'the send reports a failure and takes effect',
      { fault: 'fail', on: 'client.eventSources', call: 1, effect: 'after' },
    ],
    ['the record reports a failure', { fault: 'fail', on: 'client.locks.recordStart', call: 1, effect: 'after' }],
    ['the client crashes before it sends', { fault: 'crash', on: 'client.eventSources', call: 1, effect: 'before' }],
  ] as const)('is repeated after %s, and runs once', async (_, fault) => {
    const world = open({ faults: [fault] });
    await expect(world.start('order', 'x', TEA)).rejects.toThrow();
    await world.bench.run();
    expect(await world.start('order', 'x', TEA)).toMatchObject({ executionId: 'x' });
    await world.bench.run();
    expect(await world.describe('x')).toMatchObject({ status: 'completed' });
    expect(world.effects).toHaveLength(1);
  });

  test('that is not valid records nothing', async () => {
    const world = open();
    await expect(world.start('unknown', 'x', TEA)).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    await expect(world.start('order', 'x', { at: new Date() as never })).rejects.toMatchObject({ code: 'NOT_JSON' });
    await expect(world.start('order', 'x', { text: 'x'.repeat(2_000_000) })).rejects.toMatchObject({
      code: 'ENVELOPE_TOO_LARGE',
    });
    expect(await world.describe('x')).toBeUndefined();
  });

  test('is started by exactly one of many clients at once', async () => {
    const world = open();
    const results = await Promise.all(Array.from({ length: 20 }, async () => world.start('order', 'x', TEA)));
    expect(results.filter(({ outcome }) => outcome === 'started')).toHaveLength(1);
    const contexts = Array.from({ length: 20 }, (_, index) => ({ index }));
    const settled = await Promise.allSettled(contexts.map(async (context) => world.start('order', 'y', context)));
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await world.bench.run();
    expect(world.effects).toHaveLength(2);
  });
});

test('many starts report each outcome', async () => {
  const world = open();
  await world.start('order', 'old', TEA);
  const results = await world.client((client) =>
    client.startMany([
      { machine: 'order', executionId: 'new', context: TEA },
      { machine: 'order', executionId: 'old', context: TEA },
      { machine: 'order', executionId: 'old' },
      { machine: 'unknown', executionId: 'odd' },
      { machine: 'order', executionId: 'new', context: TEA },
    ]),
  );
  expect(results.map((result) => [result.executionId, result.outcome])).toEqual([
    ['new', 'started'],
    ['old', 'exists'],
    ['old', 'failed'],
    ['odd', 'failed'],
    ['new', 'exists'],
  ]);
  await world.bench.run();
  expect(world.effects).toHaveLength(2);
});

describe('a start that runs only after the retention of ended executions', () => {
  test('is run when its message was away', async () => {
    const world = open({ retention: MINUTE });
    const [source] = world.services.eventSources;
    const { send } = source!;
    const bodies: string[] = [];
    source!.send = async (dispatches) => {
      bodies.push(...dispatches.map(({ body }) => body));
      return dispatches.map(() => ({ ok: true, journaled: false, place: { service: 'sqs', resource: 'away' } }));
    };
    await world.start('order', 'x', TEA);
    source!.send = send;
    await world.bench.advance(2 * MINUTE);
    expect(world.lock('x')).toMatchObject({ status: 'pending' });
    source!.put(bodies[0]!);
    await world.bench.run();
    expect(await world.describe('x')).toMatchObject({ status: 'completed', context: TEA });
  });

  test('is run when its first step was retried for so long', async () => {
    const slow = defineMachine({
      name: 'slow',
      initial: 'charging',
      backoff: { baseSeconds: 600, capSeconds: 600 },
      states: { charging: { do: 'charge', on: { charged: 'done' } }, done: { final: true } },
    });
    const world = new World(
      [slow],
      {
        charge: (_, { attempt }) => {
          if (attempt < 3) throw new Error('not yet');
          return 'charged';
        },
      },
      { retention: MINUTE },
    );
    await world.start('slow', 'x');
    await world.bench.run();
    expect(world.effects.at(-1)!.at - world.effects[0]!.at).toBeGreaterThan(MINUTE);
    expect(world.lock('x')).toMatchObject({ status: 'completed', fence: 5 });
  });

  test('is run when a concurrency limit held it back', async () => {
    const waiting = defineMachine({
      name: 'waiting',
      initial: 'asking',
      states: { asking: { on: { approved: 'done' } }, done: { final: true } },
    });
    const world = new World([waiting], {}, { retention: MINUTE }, { maxRunningExecutions: { waiting: 1 } });
    await world.start('waiting', 'first');
    await world.bench.advance(1_000);
    await world.start('waiting', 'second');
    await world.bench.advance(3 * MINUTE);
    expect(world.lock('second')).toMatchObject({ status: 'pending' });
    await world.client((client) => client.send('first', 'approved'));
    await world.bench.advance(3 * MINUTE);
    expect(world.lock('second')).toMatchObject({ status: 'parked' });
    expect(world.services.deadLetters.letters).toEqual([]);
  });
});
