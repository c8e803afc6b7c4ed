import { setTimeout as realTimeout } from 'node:timers/promises';
import { WorkflowClient } from '../../../lambda/client';
import { defineActions, defineMachine, implement, loadYaml } from '../../../lambda/machine';
import { EndlessRunError, TestWorkflow, VIRTUAL_EPOCH, type TestWorkflowOptions } from '../../../lambda/testing';

const order = defineMachine({
  name: 'order',
  initial: 'reserving',
  states: {
    reserving: { entry: 'open', do: 'reserve', exit: 'close', on: { reserved: { target: 'charging', action: 'log' } } },
    charging: { do: 'charge', on: { charged: { target: 'waiting', local: true } }, maxRetries: 2, catch: 'cancelled' },
    waiting: { on: { paid: { target: 'done', action: 'log' } } },
    done: { final: true },
    cancelled: { final: true },
  },
});

interface OrderContext {
  readonly sku: string;
  log?: string[];
  amount?: number;
}

/** @param fails the number of failing attempts */
const implementation = (fails = 0) =>
  implement.for<OrderContext>()(order, {
    open: (context) => {
      context.log = ['opened'];
    },
    reserve: async () => 'reserved',
    close: (context) => {
      context.log?.push('closed');
    },
    log: (context, run) => {
      context.log?.push(`${run.event} in step ${run.step}`);
      const data = run.data as { amount: number } | undefined;
      if (data) context.amount = data.amount;
    },
    charge: async (context, run) => {
      context.log?.push('charging');
      if (run.attempt < fails) throw new Error('card declined');
      return 'charged';
    },
  });

const open = (options: TestWorkflowOptions = {}) =>
  new TestWorkflow({ implementations: [implementation()], ...options });

describe('TestWorkflow', () => {
  test('runs a machine and its actions until no work is left', async () => {
    const workflow = open();
    const execution = await workflow.start('order', { executionId: 'o-1', context: { sku: 'tea' } });
    expect([execution.executionId, execution.status, execution.state, execution.context]).toEqual([
      'o-1',
      'pending',
      null,
      { sku: 'tea' },
    ]);
    await workflow.run();
    expect([execution.status, execution.state, execution.context]).toEqual([
      'parked',
      'waiting',
      { sku: 'tea', log: ['opened', 'closed', 'reserved in step 1', 'charging'] },
    ]);
    expect(await execution.send('paid', { id: 'p', data: { amount: 3 } })).toBe('woken');
    await workflow.run();
    expect([execution.status, execution.state, execution.context.amount]).toEqual(['completed', 'done', 3]);
    expect(workflow.now.getTime()).toBe(VIRTUAL_EPOCH);
    expect(workflow.executions.map(({ executionId }) => executionId)).toEqual(['o-1']);
    expect(await execution.describe()).toMatchObject({ status: 'completed', state: 'done', step: 2 });
  });

  test('records every step, attempt, action and context', async () => {
    const workflow = open({ implementations: [implementation(1)] });
    const execution = await workflow.start('order', { executionId: 'o-1', context: { sku: 'tea' } });
    await workflow.run();
    expect(execution.steps.map(({ step, source, event }) => [step, source, event])).toEqual([
      [0, null, '$start'],
      [1, 'reserving', 'reserved'],
    ]);
    const [first, second] = execution.steps[1]!.attempts;
    const before = { sku: 'tea', log: ['opened'] };
    expect(first).toMatchObject({
      attempt: 0,
      fence: 2,
      outcome: 'retrying',
      states: [],
      contextBefore: before,
      contextAfter: undefined,
      error: { name: 'Error', message: 'card declined', state: 'charging', attempts: 1 },
    });
    expect(first?.actions.map(({ name, state, event, error }) => [name, state, event, error])).toEqual([
      ['close', 'reserving', 'reserved', undefined],
      ['log', 'charging', 'reserved', undefined],
      ['charge', 'charging', 'reserved', Error('card declined')],
    ]);
    expect(second).toMatchObject({
      attempt: 1,
      fence: 3,
      outcome: 'parked',
      states: ['charging', 'waiting'],
      contextBefore: before,
    });
    expect(second?.contextAfter).toEqual(execution.context);
    expect(second?.actions.at(-1)).toMatchObject({
      name: 'charge',
      returned: 'charged',
      idempotencyKey: first?.actions.at(-1)?.idempotencyKey,
    });
    expect(second!.startedAt.getTime()).toBeGreaterThan(first!.startedAt.getTime());
    expect(execution.story).toBe(
      [
        'execution o-1: parked in state waiting',
        'step 0, attempt 0: (start) --$start--> reserving: dispatched',
        'step 1, attempt 0: reserving --reserved--> charging: retrying (Error: card declined)',
        'step 1, attempt 1: reserving --reserved--> charging --> waiting: parked',
      ].join('\n'),
    );
    expect([workflow.metrics.of('Retry', 'order', 'charging'), workflow.metrics.of('Parked')]).toEqual([1, 1]);
  });

  test.each(['sqs', 'sqs-fifo', 'kinesis', 'dynamodb', 'sns'] as const)(
    'tells the story of failed and interrupted attempts on %s, with the state of each',
    async (source) => {
      const machine = defineMachine({
        name: 'm',
        initial: 'a',
        maxRetries: 1,
        states: {
          a: { do: 'one', on: { go: { target: 'b', local: true } } },
          b: { do: 'two', on: { go: 'c' }, catch: 'd' },
          c: { final: true },
          d: { do: 'three', on: { go: 'c' }, maxRetries: 0 },
        },
      });
      const workflow = new TestWorkflow({
        eventSources: [source],
        implementations: [
          implement(machine, {
            one: async () => 'go',
            two: async () => {
              throw new Error('no');
            },
            three: async () => {
              throw new Error('neither');
            },
          }),
        ],
        faults: [{ on: 'actions.one', fault: 'crash', effect: 'before', call: 1 }],
      });
      const execution = await workflow.start('m', { executionId: 'x' });
      await workflow.run();
      expect(execution.story).not.toContain('?');
      expect(execution.story).toContain('attempt 0: (start) --$start--> a: unfinished');
      expect(execution.story).toContain('(start) --$start--> a --> b: retrying (Error: no)');
      expect(execution.story).toMatch(/--> d: failed \(Error: neither\)$/);
    },
  );

  describe('beside replaced timers', () => {
    afterEach(() => jest.useRealTimers());

    test('runs while the timers of Jest stand still', async () => {
      jest.useFakeTimers();
      const workflow = open({
        implementations: [implementation(1)],
        retryQueues: ['dynamodb'],
        eventSources: ['kinesis'],
      });
      const execution = await workflow.start('order', { context: { sku: 'tea' } });
      await workflow.run();
      await execution.send('paid');
      await workflow.advance({ days: 1 });
      expect([execution.status, workflow.now.getTime() - VIRTUAL_EPOCH]).toEqual(['completed', expect.any(Number)]);
    });

    test('advances past an action that waits for a timer of Jest', async () => {
      jest.useFakeTimers();
      const workflow = new TestWorkflow({
        patience: 20,
        implementations: [
          implement(order, {
            open: () => undefined,
            reserve: async () => new Promise((resolve) => void setTimeout(() => resolve('reserved'), 60_000)),
            close: () => undefined,
            log: () => undefined,
            charge: async () => 'charged',
          }),
        ],
      });
      const execution = await workflow.start('order');
      await workflow.advance({ minutes: 1 });
      expect(execution.steps[0]!.attempts[0]).toMatchObject({ outcome: 'retrying', error: { name: 'DeadlineError' } });
    });
  });

  test('takes the catch transition after the retries of an action are exhausted', async () => {
    const workflow = open({ implementations: [implementation(99)] });
    const execution = await workflow.start('order', { context: { sku: 'tea' } });
    await workflow.run();
    expect([execution.status, execution.state, execution.context]).toEqual([
      'completed',
      'cancelled',
      { sku: 'tea', log: ['opened'] },
    ]);
    expect(execution.steps[1]!.attempts.map(({ outcome, contextAfter }) => [outcome, contextAfter])).toEqual([
      ['retrying', undefined],
      ['retrying', undefined],
      ['dispatched', undefined],
    ]);
  });

  test('does not change records when the context changes later', async () => {
    const context = { sku: 'tea' };
    const workflow = open({
      faults: [
        { fault: 'repeat', on: 'locks.acquire', milliseconds: 1 },
        { fault: 'delay', on: 'actions.reserve', milliseconds: 10 },
      ],
    });
    const execution = await workflow.start('order', { context });
    context.sku = 'coffee';
    expect(execution.context).toEqual({ sku: 'tea' });
    await workflow.run();
    expect(execution.steps[0]!.attempts.map(({ actions }) => actions.length)).toEqual([2]);
  });

  test('shows a failed execution, and redrives it', async () => {
    const machine = defineMachine({
      name: 'm',
      initial: 'a',
      maxRetries: 0,
      states: { a: { do: 'work', on: { go: 'b' } }, b: { final: true } },
    });
    let broken = true;
    const workflow = new TestWorkflow({
      implementations: [
        implement(machine, {
          work: async () => {
            if (broken) throw new TypeError('broken');
            return 'go';
          },
        }),
      ],
    });
    const execution = await workflow.start('m', { executionId: 'x' });
    await workflow.run();
    expect([execution.status, execution.error]).toEqual([
      'failed',
      { name: 'TypeError', message: 'broken', state: 'a', attempts: 1 },
    ]);
    expect(execution.deadLetters).toEqual([
      expect.objectContaining({ executionId: 'x', reason: expect.stringContaining('broken') }),
    ]);
    expect(workflow.deadLetters).toEqual(execution.deadLetters);
    broken = false;
    await execution.redrive();
    await workflow.run();
    expect([execution.status, execution.error]).toEqual(['completed', undefined]);
  });

  describe('time', () => {
    const slow = defineMachine({
      name: 'slow',
      initial: 'a',
      maxRetries: 1,
      backoff: { baseSeconds: 86_400, capSeconds: 86_400 },
      states: { a: { do: 'work', on: { go: 'b' } }, b: { final: true } },
    });
    const failingOnce = implement(slow, {
      work: async (_, run) => {
        if (run.attempt === 0) throw new Error('once');
        return 'go';
      },
    });

    test.each(['sqs', 'dynamodb'] as const)('takes no real time for a retry in hours, with %s', async (retryQueue) => {
      const workflow = new TestWorkflow({ implementations: [failingOnce], retryQueues: [retryQueue], seed: 5 });
      const execution = await workflow.start('slow');
      const started = performance.now();
      await workflow.run();
      expect(execution.status).toBe('completed');
      expect(workflow.now.getTime() - VIRTUAL_EPOCH).toBeGreaterThan(3_600_000);
      expect(performance.now() - started).toBeLessThan(2_000);
    });

    test('advances by the given duration only', async () => {
      const workflow = new TestWorkflow({ implementations: [failingOnce], seed: 5 });
      const execution = await workflow.start('slow');
      await workflow.advance({ minutes: 59, seconds: 60 });
      expect([execution.status, workflow.now.getTime() - VIRTUAL_EPOCH]).toEqual(['running', 3_600_000]);
      await workflow.advance({ hours: 23, milliseconds: 60_000 });
      expect([execution.status, workflow.now.getTime() - VIRTUAL_EPOCH]).toEqual(['completed', 86_460_000]);
    });

    test('advances while actions sleep, and stands still while they do real work', async () => {
      const machine = defineMachine({
        name: 'm',
        initial: 'a',
        states: { a: { entry: 'sleep', do: 'wait', on: { go: 'b' } }, b: { final: true } },
      });
      const workflow: TestWorkflow = new TestWorkflow({
        implementations: [
          implement(machine, {
            sleep: () => workflow.sleep({ seconds: 10 }),
            wait: async () => {
              await realTimeout(30);
              return 'go';
            },
          }),
        ],
      });
      const execution = await workflow.start('m');
      const started = performance.now();
      await workflow.run();
      expect(performance.now() - started).toBeLessThan(900);
      const [attempt] = execution.steps[0]!.attempts;
      expect(attempt?.actions.map(({ startedAt, endedAt }) => endedAt!.getTime() - startedAt.getTime())).toEqual([
        10_000, 0,
      ]);
      expect(execution.status).toBe('completed');
    });

    test('advances to the timeout if an action hangs', async () => {
      const machine = defineMachine({
        name: 'm',
        initial: 'a',
        maxRetries: 1,
        states: { a: { do: 'hang', on: { go: 'b' } }, b: { final: true } },
      });
      const workflow = new TestWorkflow({
        patience: 30,
        implementations: [
          implement(machine, {
            hang: async (_, run) => {
              if (run.attempt === 0) await new Promise(() => undefined);
              return 'go';
            },
          }),
        ],
      });
      const execution = await workflow.start('m');
      await workflow.run();
      expect(execution.steps[0]!.attempts.map(({ outcome, error }) => [outcome, error?.name])).toEqual([
        ['retrying', 'DeadlineError'],
        ['dispatched', undefined],
      ]);
      expect(execution.status).toBe('completed');
    });
  });

  describe('faults', () => {
    test('target actions by name, before or after they run', async () => {
      const workflow = open({ faults: [{ on: 'actions.charge', fault: 'fail', call: 1, effect: 'after' }] });
      const execution = await workflow.start('order', { context: { sku: 'tea' } });
      await workflow.run();
      const charges = execution.steps[1]!.attempts.map(
        ({ actions }) => actions.filter(({ name }) => name === 'charge').length,
      );
      expect([execution.status, charges]).toEqual(['parked', [1, 1]]);
      expect(execution.steps[1]!.attempts[0]!.error?.name).toBe('InjectedError');
    });

    test('crash invocations, and leave the attempt unfinished', async () => {
      const workflow = open({ faults: [{ on: 'actions.charge', fault: 'crash', call: 1, effect: 'before' }] });
      const execution = await workflow.start('order', { context: { sku: 'tea' } });
      await workflow.run();
      expect(execution.steps[1]!.attempts.map(({ outcome }) => outcome)).toEqual(['unfinished', 'parked']);
      expect(execution.status).toBe('parked');
    });

    test('break the primary event source, and the failover takes over', async () => {
      const workflow = open({
        eventSources: ['sqs', 'kinesis'],
        faults: [{ on: 'eventSources[0]', fault: 'fail', effect: 'before' }],
      });
      const execution = await workflow.start('order', { context: { sku: 'tea' } });
      await workflow.run();
      expect([execution.status, workflow.metrics.of('Failover')]).toEqual(['parked', 1]);
      expect(execution.steps[1]!.attempts[0]!.place?.service).toBe('kinesis');
    });

    test('affect clients only if they target them', async () => {
      const workflow = open({ faults: [{ fault: 'fail', on: 'client.eventSources' }] });
      await expect(workflow.start('order')).rejects.toThrow('start');
      await expect(open({ faults: [{ fault: 'fail', effect: 'before' }] }).start('order')).resolves.toBeDefined();
    });

    test('crash a client, and the next call works', async () => {
      const workflow = open({ faults: [{ fault: 'crash', on: 'client', call: 1 }] });
      await expect(workflow.start('order')).rejects.toThrow('crashed');
      await workflow.start('order');
    });

    test('repeat with the same seed, and can be replayed', async () => {
      const run = async (options: TestWorkflowOptions) => {
        const workflow = open({ eventSources: ['sqs', 'dynamodb'], disorder: true, seed: 'replay', ...options });
        for (let index = 0; index < 20; index++) {
          await workflow.start('order', { executionId: `o-${index}`, context: { sku: 'tea' } });
        }
        await workflow.run();
        return {
          stories: workflow.executions.map(({ story }) => story),
          faults: workflow.injectedFaults,
          now: workflow.now,
        };
      };
      const share = 0.05;
      const first = await run({
        faults: [
          { fault: 'fail', share },
          { fault: 'crash', share: 0.02 },
          { fault: 'delay', share, milliseconds: [1, 500] },
          { fault: 'repeat', share },
        ],
      });
      expect(first.faults.length).toBeGreaterThan(20);
      expect(first.stories.join()).toContain('parked');
      expect(await run({ faults: first.faults })).toEqual(first);
      const other = await run({ seed: 'other', faults: [{ fault: 'fail', share }] });
      expect(other.stories).not.toEqual(first.stories);
    });
  });

  describe('rejects', () => {
    test('an endless run', async () => {
      const machine = defineMachine({
        name: 'loop',
        initial: 'a',
        states: { a: { do: 'again', on: { again: 'a', stop: 'b' } }, b: { final: true } },
      });
      const workflow = new TestWorkflow({ implementations: [implement(machine, { again: async () => 'again' })] });
      await workflow.start('loop', { executionId: 'round' });
      const run = workflow.run({ maxInvocations: 50 });
      await expect(run).rejects.toThrow(EndlessRunError);
      await expect(run).rejects.toThrow(/"round" of machine "loop" in state "a" at step 5\d/);
      await workflow.run({ until: () => workflow.execution('round').steps.length >= 60 });
      expect(workflow.execution('round').steps).toHaveLength(60);
    });

    test('missing machines, and all missing actions together', () => {
      expect(() => new TestWorkflow({})).toThrow('implementations');
      const { machines } = loadYaml(
        'name: m\ninitial: a\nstates: { a: { do: one, exit: two, on: { go: b } }, b: { final: true } }',
        'm.yaml',
      );
      expect(() => new TestWorkflow({ machines })).toThrow(/"a": one[^]*"a": two/);
      expect(
        () =>
          new TestWorkflow({
            machines: [...machines, ...machines],
            actions: { one: () => 'go', two: () => undefined },
          }),
      ).toThrow('"m"');
    });

    test('a run that is started by an action', async () => {
      const machine = defineMachine({
        name: 'm',
        initial: 'a',
        maxRetries: 0,
        states: { a: { do: 'run', on: { go: 'b' } }, b: { final: true } },
      });
      const workflow: TestWorkflow = new TestWorkflow({
        implementations: [
          implement(machine, {
            run: async () => {
              await workflow.run();
              return 'go';
            },
          }),
        ],
      });
      const execution = await workflow.start('m');
      await workflow.run();
      expect(execution.error?.message).toContain('already running');
    });
  });

  test('lets actions start executions and send events', async () => {
    const parent = defineMachine({
      name: 'parent',
      initial: 'a',
      states: { a: { do: 'startChild', on: { go: 'b' } }, b: { final: true } },
    });
    const child = defineMachine({
      name: 'child',
      initial: 'a',
      states: { a: { on: { go: 'b' } }, b: { final: true } },
    });
    const workflow: TestWorkflow = new TestWorkflow({
      implementations: [
        implement(parent, {
          startChild: async () => {
            await (await workflow.start('child', { executionId: 'c' })).send('go');
            return 'go';
          },
        }),
        implement(child, {}),
      ],
    });
    await workflow.start('parent', { executionId: 'p' });
    await workflow.run();
    expect(workflow.executions.map(({ executionId, status }) => [executionId, status])).toEqual([
      ['p', 'completed'],
      ['c', 'completed'],
    ]);
  });

  describe('client', () => {
    /** Code of a user, who has not written it for the test kit. */
    const checkout = async (client: WorkflowClient<typeof order>, orderNumber: string) => {
      const { executionId } = await client.start({ machine: 'order', executionId: orderNumber });
      return async () => client.send(executionId, 'paid', { id: 'p', data: { amount: 3 } });
    };

    test('runs code that takes a WorkflowClient', async () => {
      const workflow = new TestWorkflow<typeof order>({ implementations: [implementation()] });
      expect(workflow.client).toBeInstanceOf(WorkflowClient);
      const pay = await checkout(workflow.client, 'o-1');
      await workflow.run();
      expect(await pay()).toBe('woken');
      await workflow.run();
      expect(await workflow.client.describe('o-1')).toMatchObject({ status: 'completed', state: 'done' });
      expect(workflow.execution('o-1').context.amount).toBe(3);
    });

    test('has every method, throws the same errors, and is a target of faults', async () => {
      const workflow = open({ faults: [{ fault: 'fail', on: 'client.eventSources', call: 1 }] });
      const { client } = workflow;
      const start = { machine: 'order', executionId: 'o-1', context: { sku: 'tea' } };
      await expect(client.start(start)).rejects.toMatchObject({ code: 'NOT_DISPATCHED' });
      await expect(client.start({ machine: 'ordr' })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
      expect(() => client.of({ name: 'ordr', initial: 'a', states: {} })).toThrow('Unknown machine "ordr"');
      expect(client.of(order)).toBe(client);
      expect(await client.startMany([start])).toMatchObject([{ executionId: 'o-1' }]);
      await workflow.run();
      expect(await client.resume('o-1')).toBe('parked');
      await expect(client.redrive('o-1')).rejects.toMatchObject({ code: 'NOT_FAILED' });
      await expect(client.complete('token', 'paid')).rejects.toMatchObject({ code: 'INVALID_CALLBACK_TOKEN' });
      expect(await client.cancel('o-1')).toBe('cancelled');
    });
  });

  test('runs machines from files with actions of any name', async () => {
    const { machines } = loadYaml(
      'name: m\ninitial: a\nstates: { a: { do: my.actions.Work, on: { go: b } }, b: { final: true } }',
      'm.yaml',
    );
    const workflow = new TestWorkflow({
      machines,
      actions: defineActions({
        'my.actions.Work': (context) => {
          context.done = true;
          return 'go';
        },
      }),
    });
    const execution = await workflow.start('m');
    await workflow.run();
    expect([execution.status, execution.context]).toEqual(['completed', { done: true }]);
  });
});
