import type { Envelope } from '../../../../lambda/engine';
import { executeActions } from '../../../../lambda/engine/step/execute-actions';
import { defineMachine, normalize, START, transition, type Action } from '../../../../lambda/machine';
import type { RetryQueueKind } from '../../../../lambda/testing';
import { INCARNATION } from '../../../support/execution-key';
import { World } from '../../../support/world';

const SECOND = 1_000;

/** One retry queue that can delay a message, and the ones that cannot. */
const RETRY_QUEUES: readonly RetryQueueKind[] = ['dynamodb', 'sqs', 'kinesis', 'sns'];

/** An action that overruns its time continues until its invocation dies: no other attempt may run concurrently. */
test.each(RETRY_QUEUES)(
  'delays a catch transition until an action that overran its time must have ended (%s)',
  async (retryQueue) => {
    const machine = defineMachine({
      name: 'slow',
      initial: 'working',
      states: {
        working: { do: 'overrun', on: { worked: 'done' }, maxRetries: 0, catch: 'mended' },
        mended: { do: 'mend', on: { mended: 'done' } },
        done: { final: true },
      },
    });
    const world = new World(
      [machine],
      {
        // The function has 30 s, of which the engine reserves 3 s.
        overrun: async (_context, _run, { bench, clock }) => {
          await bench.activity.sleep(() => clock.sleep(29 * SECOND));
          return 'worked';
        },
        mend: () => 'mended',
      },
      { retryQueues: [retryQueue] },
    );
    await world.start('slow', 'x');
    await world.bench.run();
    expect(world.lock('x')?.status).toBe('completed');
    const [overrun, mend] = world.effects;
    expect(mend?.action).toBe('mend');
    expect(mend?.at).toBeGreaterThanOrEqual((overrun?.at ?? 0) + 30 * SECOND);
  },
);

/** Without this delay, the retry would arrive while the lease is valid, and only cost an invocation. */
test('stores the retry of an action that overran its time until its lease has expired', async () => {
  const machine = defineMachine({
    name: 'slow',
    initial: 'only',
    backoff: { baseSeconds: 1, capSeconds: 1 },
    states: { only: { do: 'overrun', on: { ran: 'done' } }, done: { final: true } },
  });
  const world = new World([machine], {
    overrun: async (_context, { attempt }, { bench, clock }) => {
      if (attempt === 0) await bench.activity.sleep(() => clock.sleep(29 * SECOND));
      return 'ran';
    },
  });
  await world.start('slow', 'x');
  const bodies = world.recordBodies();
  await world.bench.run();
  expect(world.lock('x')?.status).toBe('completed');
  const [lease] = world.grants;
  const retries = bodies.map((body) => JSON.parse(body) as Envelope).filter(({ step }) => step === 0);
  expect(retries).toHaveLength(1);
  expect(retries[0]?.notBefore).toBeGreaterThanOrEqual(lease?.expires ?? Infinity);
});

/**
 * A frozen invocation continues with the first ready callback:
 *
 *     first action ── begins ──        frozen until long after the deadline        ── ends ── second action?    the timer fires
 */
test('starts no action after the deadline, even if the timer of the deadline has not fired yet', async () => {
  const machine = normalize({
    name: 'm',
    initial: 'only',
    states: { only: { entry: 'first', do: 'second', on: { on: 'end' } }, end: { final: true } },
  });
  const called: string[] = [];
  let remaining = 1_000;
  const actions: Record<string, Action> = {
    first: () => {
      called.push('first');
      remaining = 0;
    },
    second: () => {
      called.push('second');
    },
  };
  const result = await executeActions({
    machine,
    step: transition(machine, null, START),
    envelope: {
      version: 1,
      executionId: 'x',
      incarnation: INCARNATION,
      machine: 'm',
      step: 0,
      parent: 0,
      attempt: 0,
      state: null,
      event: START,
      context: {},
      sentAt: 0,
    },
    lease: { executionId: 'x', incarnation: INCARNATION, step: 0, parent: 0, fence: 1, expires: 2_000 },
    actions: (_machine, name) => actions[name],
    logger: console,
    clock: { now: () => 0, sleep: () => new Promise(() => undefined) },
    deadline: {
      signal: new AbortController().signal,
      reached: new Promise(() => undefined),
      remainingMilliseconds: () => remaining,
    },
    callbackToken: async () => '',
  });
  expect(result).toMatchObject({ kind: 'failed', state: 'only', error: { name: 'DeadlineError' } });
  expect(called).toEqual(['first']);
});

test('keeps the lease of an action that overran its time, even if its failure cannot be recorded', async () => {
  const machine = defineMachine({
    name: 'slow',
    initial: 'only',
    states: { only: { do: 'overrun', on: { ran: 'done' }, maxRetries: 0 }, done: { final: true } },
  });
  const world = new World(
    [machine],
    {
      overrun: async (_context, { attempt }, { bench, clock }) => {
        if (attempt === 0) await bench.activity.sleep(() => clock.sleep(29 * SECOND));
        return 'ran';
      },
    },
    { eventSources: ['kinesis'], faults: [{ on: 'deadLetters.put', call: 1, fault: 'fail', effect: 'before' }] },
  );
  await world.start('slow', 'x');
  await world.bench.run();
  // The only attempt has ended when the record is redelivered, and nothing ran concurrently.
  expect(world.effects).toHaveLength(1);
  expect(world.lock('x')?.status).toBe('failed');
});

test.each(RETRY_QUEUES)(
  'delays a redrive until an action that overran its time must have ended (%s)',
  async (retryQueue) => {
    const machine = defineMachine({
      name: 'slow',
      initial: 'only',
      states: { only: { do: 'overrun', on: { ran: 'done' }, maxRetries: 0 }, done: { final: true } },
    });
    const world = new World(
      [machine],
      {
        overrun: async (_context, { attempt }, { bench, clock }) => {
          if (attempt === 0) await bench.activity.sleep(() => clock.sleep(29 * SECOND));
          return 'ran';
        },
      },
      { retryQueues: [retryQueue] },
    );
    await world.start('slow', 'x');
    const began = world.clock.now();
    await world.bench.advance(28 * SECOND);
    expect(world.lock('x')?.status).toBe('failed');
    await world.client((executions) => executions.redrive('x'));
    await world.bench.run();
    expect(world.lock('x')?.status).toBe('completed');
    expect(world.effects[1]!.at).toBeGreaterThanOrEqual(began + 30 * SECOND);
  },
);
