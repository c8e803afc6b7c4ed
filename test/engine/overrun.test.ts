import { World } from './world';
import { runStep } from '../../lambda/engine/run-step';
import { defineMachine, normalize, START, transition, type Action } from '../../lambda/machine';
import type { RetryQueueKind } from '../../lambda/testing';

const SECOND = 1_000;

/** One that holds a message back, and those that cannot. */
const RETRY_QUEUES: readonly RetryQueueKind[] = ['dynamodb', 'sqs', 'kinesis', 'sns'];

/** An action that overruns its time goes on until its invocation dies: nobody may run beside it. */
test.each(RETRY_QUEUES)('lets a catch transition wait until an action that overran its time must be dead (%s)', async (retryQueue) => {
  const machine = defineMachine({
    name: 'slow',
    initial: 'working',
    states: {
      working: { do: 'overrun', on: { worked: 'done' }, maxRetries: 0, catch: 'mended' },
      mended: { do: 'mend', on: { mended: 'done' } },
      done: { final: true },
    },
  });
  const world = new World([machine], {
    // The function's time is 30 s, of which the engine keeps 3 for itself.
    overrun: async (_context, _run, { bench, clock }) => {
      await bench.activity.sleep(() => clock.sleep(29 * SECOND));
      return 'worked';
    },
    mend: () => 'mended',
  }, { retryQueues: [retryQueue] });
  await world.start('slow', 'x');
  await world.bench.run();
  expect(world.lock('x')?.status).toBe('completed');
  const [overrun, mend] = world.effects;
  expect(mend?.action).toBe('mend');
  expect(mend?.at).toBeGreaterThanOrEqual((overrun?.at ?? 0) + 30 * SECOND);
});

/**
 * An invocation that stood still goes on with whatever is ready first:
 *
 *     first action ── begins ──        stands still until long after the deadline        ── ends ── second action?    the timer fires
 */
test('begins no action when the time is over, though the timer that says so has not fired yet', async () => {
  const machine = normalize({ name: 'm', initial: 'only', states: { only: { entry: 'first', do: 'second', on: { on: 'end' } }, end: { final: true } } });
  const called: string[] = [];
  let remaining = 1_000;
  const actions: Record<string, Action> = {
    first: () => {
      called.push('first');
      remaining = 0;
    },
    second: () => { called.push('second'); },
  };
  const result = await runStep({
    machine,
    plan: transition(machine, null, START),
    envelope: { version: 1, executionId: 'x', machine: 'm', step: 0, parent: 0, attempt: 0, state: null, event: START, context: {}, sentAt: 0 },
    lease: { executionId: 'x', step: 0, parent: 0, fence: 1, expires: 2_000 },
    actions: (_machine, name) => actions[name],
    logger: console,
    deadline: { signal: new AbortController().signal, reached: new Promise(() => undefined), remainingMilliseconds: () => remaining },
    callbackToken: async () => '',
  });
  expect(result).toMatchObject({ kind: 'failed', state: 'only', error: { name: 'DeadlineError' } });
  expect(called).toEqual(['first']);
});

test('refuses a late start as long as the clocks may differ', async () => {
  const day = 86_400 * SECOND;
  const machine = defineMachine({ name: 'one', initial: 'only', states: { only: { entry: 'act', final: true } } });
  const world = new World([machine], { act: () => undefined }, { retention: day }, { remembered: day });
  await world.start('one', 'x');
  const sent = world.clock.now();
  await world.bench.run();
  // The lock is forgotten at sent + day; the same start comes once more just then, by a clock that is behind.
  await world.bench.advance(sent + day - 1 - world.clock.now());
  await world.bench.advance(1);
  await world.bench.asClient(async (ports) => {
    const envelope = { version: 1, executionId: 'x', machine: 'one', step: 0, parent: 0, attempt: 0, state: null, event: '$start', context: {}, sentAt: sent };
    await ports.eventSources[0]?.send([{ envelope, body: JSON.stringify(envelope) }]);
  });
  await world.bench.run();
  expect(world.effects).toHaveLength(1);
  expect(world.services.deadLetters.letters).toHaveLength(1);
});

test('keeps the lease of an action that overran its time, also when its end cannot be recorded', async () => {
  const machine = defineMachine({ name: 'slow', initial: 'only', states: { only: { do: 'overrun', on: { ran: 'done' }, maxRetries: 0 }, done: { final: true } } });
  const world = new World([machine], {
    overrun: async (_context, { attempt }, { bench, clock }) => {
      if (attempt === 0) await bench.activity.sleep(() => clock.sleep(29 * SECOND));
      return 'ran';
    },
  }, { eventSources: ['kinesis'], faults: [{ on: 'deadLetters.put', call: 1, fault: 'fail', effect: 'before' }] });
  await world.start('slow', 'x');
  await world.bench.run();
  // Its one attempt is over when the record comes again, and nothing has run beside it.
  expect(world.effects).toHaveLength(1);
  expect(world.lock('x')?.status).toBe('failed');
});

test.each(RETRY_QUEUES)('lets a redrive wait until an action that overran its time must be dead (%s)', async (retryQueue) => {
  const machine = defineMachine({ name: 'slow', initial: 'only', states: { only: { do: 'overrun', on: { ran: 'done' }, maxRetries: 0 }, done: { final: true } } });
  const world = new World([machine], {
    overrun: async (_context, { attempt }, { bench, clock }) => {
      if (attempt === 0) await bench.activity.sleep(() => clock.sleep(29 * SECOND));
      return 'ran';
    },
  }, { retryQueues: [retryQueue] });
  await world.start('slow', 'x');
  const began = world.clock.now();
  await world.bench.advance(28 * SECOND);
  expect(world.lock('x')?.status).toBe('failed');
  await world.client((executions) => executions.redrive('x'));
  await world.bench.run();
  expect(world.lock('x')?.status).toBe('completed');
  expect(world.effects[1]!.at).toBeGreaterThanOrEqual(began + 30 * SECOND);
});
