import { encodeEnvelope, NotJsonError, type ExecutionStatus } from '../../../../lambda/engine';
import { defineMachine } from '../../../../lambda/machine';
import { InMemoryQueue } from '../../../../lambda/testing/services/in-memory-queue';
import { committedAttempt } from '../../../support/committed';
import { INCARNATION, keyOf } from '../../../support/execution-key';
import { recordStartOf } from '../../../support/recorded-start';
import { World, type ActionBody } from '../../../support/world';

const SECOND = 1_000;

/** a ──go──▶ b ──(local) go──▶ c ──go──▶ end, with every kind of action. */
const line = defineMachine({
  name: 'line',
  initial: 'a',
  maxRetries: 2,
  states: {
    a: { entry: 'enterA', do: 'doA', exit: 'exitA', on: { go: { target: 'b', action: 'fromAToB' } } },
    b: { entry: 'enterB', do: 'doB', exit: 'exitB', on: { go: { target: 'c', local: true }, back: 'a' } },
    c: { do: 'doC', on: { go: 'end' } },
    end: { final: true, entry: 'enterEnd', do: 'doEnd' },
  },
});

const silent: ActionBody = () => undefined;
const go: ActionBody = () => 'go';
const lineActions = {
  enterA: silent,
  doA: go,
  exitA: silent,
  fromAToB: silent,
  enterB: silent,
  doB: go,
  exitB: silent,
  doC: go,
  enterEnd: silent,
  doEnd: silent,
};

const waiting = defineMachine({
  name: 'waiting',
  initial: 'first',
  states: {
    first: { entry: 'note', on: { one: 'second' } },
    second: { entry: 'note', on: { two: 'end' } },
    end: { final: true, entry: 'note' },
  },
});

/** Records in the context what the actions of each step received. */
const note: ActionBody = (context, run) => {
  context.seen = [
    ...(Array.isArray(context.seen) ? context.seen : []),
    { state: run.state, event: run.event, data: run.data ?? null },
  ];
};

describe('one execution', () => {
  test('runs exit, transition, entry and do actions in this order, and local transitions in the same step', async () => {
    const world = new World([line], lineActions);
    await world.start('line', 'x');
    await world.bench.run();
    expect(world.effects.map(({ step, action }) => `${step} ${action}`)).toEqual([
      '0 enterA',
      '0 doA',
      '1 exitA',
      '1 fromAToB',
      '1 enterB',
      '1 doB',
      '1 exitB',
      '1 doC',
      '2 enterEnd',
      '2 doEnd',
    ]);
    expect(world.lock('x')).toMatchObject({ status: 'completed', done: true, step: 2, fence: 3 });
    const description = await world.describe('x');
    expect(description).toMatchObject({
      status: 'completed',
      state: 'end',
      steps: [{ step: 0 }, { step: 1 }, { step: 2 }],
    });
    expect(description?.steps.map((step) => committedAttempt(step)?.states)).toEqual([['a'], ['b', 'c'], ['end']]);
  });

  test('carries its context from step to step', async () => {
    const world = new World([line], {
      ...lineActions,
      enterA: (context) => {
        context.path = ['a'];
      },
      enterB: (context) => {
        context.path = [...(context.path as string[]), 'b'];
      },
      enterEnd: (context) => {
        context.path = [...(context.path as string[]), 'end'];
      },
    });
    await world.start('line', 'x', { given: { deep: [1, null] } });
    await world.bench.run();
    expect((await world.describe('x'))?.context).toEqual({ given: { deep: [1, null] }, path: ['a', 'b', 'end'] });
  });

  test('runs once when it is started twice', async () => {
    const world = new World([line], lineActions);
    await world.start('line', 'x');
    await world.start('line', 'x');
    await world.bench.run();
    // The execution has begun, so this start sends nothing.
    await world.start('line', 'x');
    await world.bench.run();
    expect(world.effects.filter(({ action }) => action === 'enterA')).toHaveLength(1);
    expect(world.count('Duplicate')).toBe(1);
  });

  test.each(['never started', 'forgotten'])('is dead-lettered if its start is not recorded: %s', async (kind) => {
    const world = new World([line], lineActions, { retention: 60_000 });
    const bodies = world.recordBodies();
    if (kind === 'forgotten') {
      await world.start('line', 'x');
      await world.bench.advance(70_000);
    }
    const runs = world.effects.length;
    world.services.eventSources[0]?.put(bodies[0] ?? startOf('x', world.clock.now()).body);
    await world.bench.run();
    expect(world.effects).toHaveLength(runs);
    expect(world.lock('x')).toBeUndefined();
    expect(world.services.deadLetters.letters.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('Its start was not recorded by a client, or it ended longer ago than its retention'),
    ]);
  });
});

describe('a failing step', () => {
  test('is retried from its beginning, with the original context and the same idempotency keys', async () => {
    const contexts: unknown[] = [];
    const world = new World([line], {
      ...lineActions,
      enterB: (context, run) => {
        contexts.push(structuredClone(context));
        context.broken = run.attempt;
      },
      doC: (_, run) => {
        if (run.attempt < 2) throw new Error('not yet');
        return 'go';
      },
    });
    await world.start('line', 'x', { n: 1 });
    await world.bench.run();
    expect(contexts).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }]);
    expect(await world.describe('x')).toMatchObject({ status: 'completed', context: { n: 1, broken: 2 } });
    const keys = [0, 1, 2].map((attempt) =>
      world.effects.filter((effect) => effect.step === 1 && effect.attempt === attempt).map(({ key }) => key),
    );
    expect(new Set(keys[0]).size).toBe(6);
    expect(keys[1]).toEqual(keys[0]);
    expect(keys[2]).toEqual(keys[0]);
    expect(world.count('Retry')).toBe(2);
  });

  test('waits with full jitter, up to twice as long after each failure, up to the cap', async () => {
    const machine = defineMachine({
      name: 'm',
      initial: 'a',
      maxRetries: 9,
      backoff: { baseSeconds: 100, capSeconds: 800 },
      states: { a: { do: 'fail', on: { go: 'end' } }, end: { final: true } },
    });
    const longest = Array.from({ length: 9 }, () => 0);
    for (let seed = 0; seed < 25; seed++) {
      const world = new World(
        [machine],
        {
          fail: () => {
            throw new Error('no');
          },
        },
        { seed, retryQueues: ['sqs'] },
      );
      await world.start('m', 'x');
      await world.bench.run();
      const times = world.effects.map(({ at }) => at);
      expect(times).toHaveLength(10);
      times.slice(1).forEach((at, index) => {
        longest[index] = Math.max(longest[index] ?? 0, (at - (times[index] ?? 0)) / SECOND);
      });
    }
    [100, 200, 400, 800, 800, 800, 800, 800, 800].forEach((bound, index) => {
      expect(longest[index]).toBeLessThanOrEqual(bound + 1);
      expect(longest[index]).toBeGreaterThan(bound * 0.7);
    });
  }, 30_000);

  test('takes the catch transition when no retry is left, and passes the error to its actions', async () => {
    const machine = defineMachine({
      name: 'm',
      initial: 'work',
      states: {
        work: {
          do: 'fail',
          exit: 'leave',
          on: { go: 'end' },
          maxRetries: 1,
          catch: { target: 'sorry', action: 'apologise' },
        },
        sorry: { do: 'sorry', on: { go: 'end' } },
        end: { final: true },
      },
    });
    const errors: unknown[] = [];
    const world = new World([machine], {
      fail: (context) => {
        context.halfDone = true;
        throw new TypeError('card declined');
      },
      leave: silent,
      apologise: (_, run) => {
        errors.push(run.error);
      },
      sorry: go,
    });
    await world.start('m', 'x', { n: 1 });
    await world.bench.run();
    expect(world.effects.map(({ step, action }) => `${step} ${action}`)).toEqual([
      '0 fail',
      '0 fail',
      '1 leave',
      '1 apologise',
      '1 sorry',
    ]);
    expect(errors).toEqual([{ name: 'TypeError', message: 'card declined', state: 'work', attempts: 2 }]);
    expect(await world.describe('x')).toMatchObject({ status: 'completed', context: { n: 1 } });
    expect(world.services.deadLetters.letters).toEqual([]);
  });

  test('is dead-lettered whole without a catch transition, and can be redriven', async () => {
    let broken = true;
    const world = new World([line], {
      ...lineActions,
      doC: () => {
        if (broken) throw new Error('still broken');
        return 'go';
      },
    });
    await world.start('line', 'x', { n: 1 });
    await world.bench.run();
    expect(await world.describe('x')).toMatchObject({
      status: 'failed',
      context: { n: 1 },
      error: { name: 'Error', message: 'still broken', state: 'c', attempts: 3 },
    });
    expect(world.services.deadLetters.letters).toMatchObject([
      { executionId: 'x', machine: 'line', reason: 'Error: still broken' },
    ]);
    expect(JSON.parse(world.services.deadLetters.letters[0]?.body ?? '')).toMatchObject({
      executionId: 'x',
      step: 1,
      context: { n: 1 },
    });
    expect(world.count('Fatal')).toBe(1);

    await world.client((executions) => executions.redrive('x'));
    await world.bench.run();
    expect(await world.describe('x')).toMatchObject({ status: 'failed', error: { attempts: 6 } });

    broken = false;
    await world.client((executions) => executions.redrive('x'));
    await world.bench.run();
    expect(await world.describe('x')).toMatchObject({ status: 'completed', context: { n: 1 } });
    await expect(world.client((executions) => executions.redrive('x'))).rejects.toThrow(
      'Execution "x" is completed: only a failed execution can be redriven.',
    );
  });

  test.each([
    [
      'an event that its state does not handle',
      () => 'gone',
      /"line", state "a": the action "doA" returned the event "gone"\. Expected "go", or nothing/,
    ],
    ['a value that is not an event', () => 7 as unknown as string, /returned a value of type number/],
    [
      'a context that is not JSON',
      (context: Record<string, unknown>) => {
        context.when = new Date(0);
        return 'go';
      },
      /context\.when is a Date/,
    ],
    [
      'a context that is too large',
      (context: Record<string, unknown>) => {
        context.text = 'é'.repeat(250_000);
        return 'go';
      },
      /has 500\d+ bytes; this workflow carries at most \d+/,
    ],
  ])('for %s fails visibly and alone', async (_, doA, message) => {
    const world = new World([line], {
      ...lineActions,
      doA: (context, run) => (run.executionId === 'bad' ? doA(context) : 'go'),
    });
    await world.start('line', 'bad');
    await world.start('line', 'good');
    await world.bench.run();
    expect(await world.describe('good')).toMatchObject({ status: 'completed' });
    const bad = await world.describe('bad');
    expect(bad).toMatchObject({ status: 'failed', error: { state: 'a', attempts: 3 } });
    expect(bad?.error?.message).toMatch(message);
  });

  test('reports the name of a missing action', async () => {
    const world = new World([line], { ...lineActions, exitA: undefined as unknown as ActionBody });
    await world.start('line', 'x');
    await world.bench.run();
    expect((await world.describe('x'))?.error?.message).toBe(
      'Machine "line", state "a": the action "exitA" does not exist. Add it to the default export of the workflow\'s actions file.',
    );
  });

  test('retries an action that overran the invocation only after that invocation must have ended', async () => {
    const world = new World(
      [line],
      {
        ...lineActions,
        doA: async (_, run, { clock }) => {
          if (run.attempt === 0) await clock.sleep(3_600 * SECOND);
          return 'go';
        },
      },
      { timeout: 30 * SECOND },
    );
    const began = world.clock.now();
    await world.start('line', 'x');
    await world.bench.run();
    expect(await world.describe('x')).toMatchObject({ status: 'completed' });
    const [first, second] = world.effects.filter(({ action }) => action === 'doA');
    expect(first?.attempt).toBe(0);
    expect((second?.at ?? 0) - began).toBeGreaterThanOrEqual(30 * SECOND);
  });

  test('signals the deadline to actions, and starts no action after it', async () => {
    const aborted: number[] = [];
    const world = new World(
      [line],
      {
        ...lineActions,
        enterA: async (_, run, { clock }) => {
          if (run.attempt > 0) return;
          expect(run.remainingMilliseconds()).toBeLessThanOrEqual(27 * SECOND);
          await clock.sleep(3_600 * SECOND, run.signal);
          aborted.push(run.remainingMilliseconds());
        },
      },
      { timeout: 30 * SECOND },
    );
    await world.start('line', 'x');
    await world.bench.run();
    expect(aborted).toEqual([0]);
    expect(
      world.effects.filter(({ action, step, attempt }) => action === 'doA' && step === 0 && attempt === 0),
    ).toEqual([]);
    expect(world.lock('x')?.status).toBe('completed');
  });

  test('fails a step whose invocations die too often', async () => {
    const world = new World([line], lineActions, { faults: [{ on: 'actions.doA', fault: 'crash' }] });
    await world.start('line', 'x');
    await world.bench.run();
    expect(world.lock('x')).toMatchObject({ status: 'failed', step: 0 });
    expect(world.effects.filter(({ action }) => action === 'enterA')).toHaveLength(3);
    expect((await world.describe('x'))?.error).toMatchObject({ name: 'InvocationDiedError', state: 'a' });
  });
});

describe('a parked execution', () => {
  const actions = { note };

  test('waits for its event and receives its data', async () => {
    const world = new World([waiting], actions);
    await world.start('waiting', 'x');
    await world.bench.run();
    expect(await world.describe('x')).toMatchObject({
      status: 'parked',
      state: 'first',
      context: { seen: [{ state: 'first' }] },
    });
    await expect(world.client((executions) => executions.send('x', 'one', { data: { by: 'me' } }))).resolves.toBe(
      'woken',
    );
    await world.bench.run();
    expect(await world.describe('x')).toMatchObject({ status: 'parked', state: 'second' });
    await world.client((executions) => executions.send('x', 'two'));
    await world.bench.run();
    expect(await world.describe('x')).toMatchObject({
      status: 'completed',
      waiting: [],
      context: {
        seen: [
          { state: 'first', data: null },
          { state: 'second', event: 'one', data: { by: 'me' } },
          { state: 'end', event: 'two', data: null },
        ],
      },
    });
  });

  test.each([
    ['before the start', 0],
    ['before it parks', 1],
    ['while it is parked in another state', 2],
  ])('gets an event that was sent early: %s', async (_, moment) => {
    const world = new World([waiting], actions);
    const sendTwo = () => world.client((executions) => executions.send('x', 'two', { id: 'early', data: 2 }));
    if (moment === 0) await expect(sendTwo()).resolves.toBe('early');
    await world.start('waiting', 'x');
    if (moment === 1) await expect(sendTwo()).resolves.toBe('waiting');
    await world.bench.run();
    if (moment === 2) await expect(sendTwo()).resolves.toBe('waiting');
    await world.bench.run();
    expect(await world.describe('x')).toMatchObject({
      status: 'parked',
      state: 'first',
      waiting: [{ id: 'early', event: 'two' }],
    });
    await world.client((executions) => executions.send('x', 'one'));
    await world.bench.run();
    expect(await world.describe('x')).toMatchObject({
      status: 'completed',
      context: { seen: [{ state: 'first' }, { state: 'second' }, { state: 'end', data: 2 }] },
    });
  });

  test('takes an event once, even if it is sent repeatedly with the same id', async () => {
    const machine = defineMachine({
      name: 'counter',
      initial: 'idle',
      states: { idle: { entry: 'count', on: { tick: 'idle', stop: 'end' } }, end: { final: true } },
    });
    const world = new World([machine], {
      count: (context) => {
        context.n = Number(context.n ?? -1) + 1;
      },
    });
    await world.start('counter', 'x');
    await world.bench.run();
    for (const id of ['a', 'b', 'a', 'c', 'b', 'a']) {
      await world.client((executions) => executions.send('x', 'tick', { id }));
      if (id !== 'b') await world.bench.run();
    }
    await world.bench.run();
    expect(await world.describe('x')).toMatchObject({ status: 'parked', context: { n: 3 } });
  });

  test.each<ExecutionStatus>(['running', 'failed', 'completed', 'cancelled'])(
    'differs from an execution that is %s, which nothing wakes',
    async (status) => {
      const world = new World([waiting], actions);
      await world.start('waiting', 'x');
      await world.bench.run();
      const sent: unknown[] = [];
      const [source] = world.services.eventSources;
      source!.send = async (dispatches) => {
        sent.push(...dispatches);
        return [];
      };
      const read = world.services.locks.read.bind(world.services.locks);
      world.services.locks.read = async (executionId) => ({ ...(await read(executionId))!, status });
      await world.client((executions) => executions.send('x', 'one')).catch(() => undefined);
      expect(sent).toEqual([]);
    },
  );

  test('takes events in the order in which they were sent', async () => {
    const machine = defineMachine({
      name: 'list',
      initial: 'idle',
      states: { idle: { entry: 'append', on: { add: 'idle', stop: 'end' } }, end: { final: true } },
    });
    const world = new World(
      [machine],
      {
        append: (context, run) => {
          context.list = [...(context.list as string[]), run.data ?? 'start'];
        },
      },
      { disorder: true },
    );
    await world.start('list', 'x', { list: [] });
    for (let n = 0; n < 12; n++) await world.client((executions) => executions.send('x', 'add', { data: n }));
    await world.bench.run();
    expect((await world.describe('x'))?.context).toEqual({
      list: ['start', ...Array.from({ length: 12 }, (_, n) => n)],
    });
  });

  test('is woken after its wake-up was lost in a crash between the commit of the park and the read of the mailbox', async () => {
    const world = new World([waiting], actions, {
      faults: [{ on: 'locks.commit', call: 1, fault: 'crash', effect: 'after' }],
    });
    await world.client((executions) => executions.send('x', 'one'));
    await world.start('waiting', 'x');
    await world.bench.run();
    expect(world.lock('x')).toMatchObject({ status: 'parked', step: 1 });
    expect(await world.describe('x')).toMatchObject({ state: 'second' });
  });

  test('rejects invalid events, and any event after its end', async () => {
    const world = new World([waiting], actions);
    await world.start('waiting', 'x');
    const send = (...parameters: [string, string, { data?: never }?]) =>
      world.client((executions) => executions.send(...parameters));
    await expect(send('x', '$catch')).rejects.toThrow('Invalid event "$catch": expected');
    await expect(send('two words', 'one')).rejects.toThrow('Invalid executionId "two words": expected');
    await expect(send('x', 'one', { data: new Date(0) as never })).rejects.toThrow(NotJsonError);
    await expect(send('x', 'one', { data: 'x'.repeat(70_000) as never })).rejects.toThrow('expected at most 61440');
    await send('x', 'one');
    await send('x', 'two');
    await world.bench.run();
    await expect(send('x', 'one')).rejects.toThrow('Execution "x" is completed and accepts no events.');
  });
});

describe('a batch', () => {
  function many(world: World, count: number) {
    return world.client((executions) =>
      executions.startMany(Array.from({ length: count }, (_, n) => ({ machine: 'line', executionId: `x${n}` }))),
    );
  }

  test('costs one write for each execution, and one send and one journal write for all of them together', async () => {
    const world = new World([line], lineActions);
    const calls: string[] = [];
    for (const name of ['acquire', 'commit'] as const) {
      const method = world.services.locks[name].bind(world.services.locks) as (...parameters: never[]) => never;
      Object.assign(world.services.locks, {
        [name]: (...parameters: never[]) => {
          calls.push(name);
          return method(...parameters);
        },
      });
    }
    const [source] = world.services.eventSources;
    const send = source?.send.bind(source);
    Object.assign(source ?? {}, {
      send: (dispatches: never) => {
        calls.push('send');
        return send?.(dispatches);
      },
    });
    const write = world.services.journal.write.bind(world.services.journal);
    Object.assign(world.services.journal, {
      write: (checkpoints: never) => {
        calls.push('write');
        return write(checkpoints);
      },
    });
    await many(world, 10);
    expect(calls.splice(0)).toEqual(['send']);
    await world.bench.run({ until: () => world.count('Transition') >= 10 });
    expect(calls.filter((call) => call === 'acquire')).toHaveLength(10);
    expect(calls.filter((call) => call === 'send')).toHaveLength(1);
    expect(calls.filter((call) => call === 'write')).toHaveLength(1);
    expect(calls).toHaveLength(12);
  });

  test('continues past a poison record, which is dead-lettered with its reason', async () => {
    const world = new World([line], lineActions);
    const [source] = world.services.eventSources;
    await many(world, 3);
    if (!(source instanceof InMemoryQueue)) throw new Error('expected a queue');
    const put = (body: string) => source.put(body);
    put('no JSON');
    put('{"version":1}');
    put(startOf('forged', world.clock.now(), { step: 3, state: 'b', event: 'go', parent: 9 }).body);
    put(startOf('stranger', world.clock.now(), { machine: 'nobody' }).body);
    const now = world.clock.now();
    await recordStartOf(world.services.locks, { ...keyOf('stranger'), machine: 'nobody', now });
    put(startOf('lost', world.clock.now(), { step: 1, parent: 0, state: 'a', event: 'x' }).body);
    await world.bench.run();
    expect(
      world.services.locks.all.filter(({ status }) => status === 'completed').map(({ executionId }) => executionId),
    ).toEqual(['x0', 'x1', 'x2']);
    expect(world.services.deadLetters.letters.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining([
        'The message is not a valid envelope: it is not JSON.',
        expect.stringContaining('The message is not a valid envelope: its "executionId" is missing'),
        expect.stringContaining('The envelope belongs to no known execution: step 3'),
        'UnknownMachineError: Unknown machine "nobody": expected "line".',
      ]),
    );
    expect(world.services.deadLetters.letters).toHaveLength(5);
    expect(world.lock('stranger')).toMatchObject({ status: 'failed' });
  });

  test('sends the entries that the primary rejects to the failover, entry by entry', async () => {
    const world = new World([line], lineActions, {
      eventSources: ['sqs', 'dynamodb'],
      faults: [{ on: 'eventSources[0]', fault: 'fail', effect: 'before', entries: 0.3 }],
      seed: 3,
    });
    await many(world, 10);
    await world.bench.run();
    expect(world.services.locks.all.filter(({ status }) => status === 'completed')).toHaveLength(10);
    expect(world.count('Failover')).toBeGreaterThan(0);
    expect(world.count('Failover')).toBeLessThan(20);
    expect(world.count('Retry')).toBe(0);
  });

  test('delivers the next envelopes through the retry queue when no event source accepts them, without running an action again', async () => {
    const world = new World([line], lineActions, {
      faults: [{ on: 'eventSources', fault: 'fail', effect: 'before', until: 5 * SECOND }],
    });
    await many(world, 4);
    await world.bench.run();
    expect(world.services.locks.all.filter(({ status }) => status === 'completed')).toHaveLength(4);
    expect(new Set(world.effects.map(({ executionId, key }) => `${executionId} ${key}`)).size).toBe(
      world.effects.length,
    );
  });

  test('returns its records to the source when nothing can be sent, without using up an attempt', async () => {
    const outage = 3_600 * SECOND;
    const world = new World([line], lineActions, {
      faults: [
        { on: 'eventSources', fault: 'fail', until: outage },
        { on: 'retryQueues', fault: 'fail', until: outage },
      ],
    });
    await many(world, 4);
    await world.bench.run();
    expect(world.services.locks.all.filter(({ status }) => status === 'completed')).toHaveLength(4);
    expect(world.services.deadLetters.letters).toEqual([]);
    expect(world.count('Redelivery')).toBeGreaterThan(4);
  });

  test('runs the records of one execution one after another', async () => {
    const world = new World([line], {
      ...lineActions,
      doA: async (_context, _run, { clock }) => {
        await clock.sleep(SECOND);
        return 'go';
      },
    });
    for (let n = 0; n < 5; n++) await world.start('line', 'x');
    await world.bench.run();
    expect(world.effects.filter(({ action }) => action === 'doA')).toHaveLength(1);
    expect(world.lock('x')?.status).toBe('completed');
    expect(world.count('Duplicate')).toBe(4);
  });
});

test('eager commit marks each step as done before its successor begins', async () => {
  for (const eagerCommit of [true, false]) {
    const world = new World(
      [line],
      lineActions,
      { faults: [{ on: 'eventSources[0]', fault: 'repeat', milliseconds: 500 }] },
      { eagerCommit },
    );
    await world.start('line', 'x');
    await world.bench.run({ until: () => world.count('Transition') === 1 });
    expect(world.lock('x')).toMatchObject({ step: 0, done: eagerCommit, status: 'running' });
    await world.bench.run();
    expect(world.lock('x')?.status).toBe('completed');
  }
});

function startOf(executionId: string, sentAt: number, changes: object = {}) {
  const envelope = {
    version: 1,
    executionId,
    incarnation: INCARNATION,
    machine: 'line',
    step: 0,
    parent: 0,
    attempt: 0,
    state: null,
    event: '$start',
    context: {},
    sentAt,
    ...changes,
  };
  return { envelope, body: encodeEnvelope(envelope) };
}
