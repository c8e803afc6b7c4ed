import { setTimeout as realTimeout } from 'node:timers/promises';
import { defineActions, defineMachine, implement, loadYaml } from '../../lambda/machine';
import { EndlessRunError, TestWorkflow, VIRTUAL_EPOCH, type TestWorkflowOptions } from '../../lambda/testing';

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

/** @param fails how often charging fails */
const implementation = (fails = 0) => implement.for<OrderContext>()(order, {
  open: (context) => { context.log = ['opened']; },
  reserve: async () => 'reserved',
  close: (context) => { context.log?.push('closed'); },
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

const open = (options: TestWorkflowOptions = {}) => new TestWorkflow({ implementations: [implementation()], ...options });

describe('TestWorkflow', () => {
  it('runs a machine with its actions until nothing is left to do', async () => {
    const workflow = open();
    const execution = await workflow.start('order', { executionId: 'o-1', context: { sku: 'tea' } });
    expect([execution.executionId, execution.status, execution.state, execution.context]).toEqual(['o-1', 'running', null, { sku: 'tea' }]);
    await workflow.run();
    expect([execution.status, execution.state, execution.context]).toEqual([
      'parked', 'waiting', { sku: 'tea', log: ['opened', 'closed', 'reserved in step 1', 'charging'] },
    ]);
    expect(await execution.send('paid', { id: 'p', data: { amount: 3 } })).toBe('woken');
    await workflow.run();
    expect([execution.status, execution.state, execution.context.amount]).toEqual(['completed', 'done', 3]);
    expect(workflow.now.getTime()).toBe(VIRTUAL_EPOCH);
    expect(workflow.executions.map(({ executionId }) => executionId)).toEqual(['o-1']);
    expect(await execution.describe()).toMatchObject({ status: 'completed', state: 'done', step: 2 });
  });

  it('tells every step, attempt, action and context', async () => {
    const workflow = open({ implementations: [implementation(1)] });
    const execution = await workflow.start('order', { executionId: 'o-1', context: { sku: 'tea' } });
    await workflow.run();
    expect(execution.steps.map(({ step, source, event }) => [step, source, event])).toEqual([[0, null, '$start'], [1, 'reserving', 'reserved']]);
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
      ['close', 'reserving', 'reserved', undefined], ['log', 'charging', 'reserved', undefined], ['charge', 'charging', 'reserved', Error('card declined')],
    ]);
    expect(second).toMatchObject({ attempt: 1, fence: 3, outcome: 'parked', states: ['charging', 'waiting'], contextBefore: before });
    expect(second?.contextAfter).toEqual(execution.context);
    expect(second?.actions.at(-1)).toMatchObject({ name: 'charge', returned: 'charged', idempotencyKey: first?.actions.at(-1)?.idempotencyKey });
    expect(second!.startedAt.getTime()).toBeGreaterThan(first!.startedAt.getTime());
    expect(execution.story).toBe([
      'execution o-1: parked in state waiting',
      'step 0, attempt 0: (start) --$start--> reserving: dispatched',
      'step 1, attempt 0: reserving --reserved--> ?: retrying (Error: card declined)',
      'step 1, attempt 1: reserving --reserved--> charging --> waiting: parked',
    ].join('\n'));
    expect([workflow.metrics.of('Retry', 'order', 'charging'), workflow.metrics.of('Parked')]).toEqual([1, 1]);
  });

  it('takes the catch transition when an action fails too often', async () => {
    const workflow = open({ implementations: [implementation(99)] });
    const execution = await workflow.start('order', { context: { sku: 'tea' } });
    await workflow.run();
    expect([execution.status, execution.state, execution.context]).toEqual(['completed', 'cancelled', { sku: 'tea', log: ['opened'] }]);
    expect(execution.steps[1]!.attempts.map(({ outcome, contextAfter }) => [outcome, contextAfter])).toEqual([
      ['retrying', undefined], ['retrying', undefined], ['dispatched', undefined],
    ]);
  });

  it('records what was, whatever becomes of it', async () => {
    const context = { sku: 'tea' };
    const workflow = open({
      faults: [{ fault: 'repeat', on: 'locks.acquire', milliseconds: 1 }, { fault: 'delay', on: 'actions.reserve', milliseconds: 10 }],
    });
    const execution = await workflow.start('order', { context });
    context.sku = 'coffee';
    expect(execution.context).toEqual({ sku: 'tea' });
    await workflow.run();
    expect(execution.steps[0]!.attempts.map(({ actions }) => actions.length)).toEqual([2]);
  });

  it('shows an execution that has failed, and redrives it', async () => {
    const machine = defineMachine({ name: 'm', initial: 'a', maxRetries: 0, states: { a: { do: 'work', on: { go: 'b' } }, b: { final: true } } });
    let broken = true;
    const workflow = new TestWorkflow({
      implementations: [implement(machine, { work: async () => { if (broken) throw new TypeError('broken'); return 'go'; } })],
    });
    const execution = await workflow.start('m', { executionId: 'x' });
    await workflow.run();
    expect([execution.status, execution.error]).toEqual(['failed', { name: 'TypeError', message: 'broken', state: 'a', attempts: 1 }]);
    expect(execution.deadLetters).toEqual([expect.objectContaining({ executionId: 'x', reason: expect.stringContaining('broken') })]);
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
    const failingOnce = implement(slow, { work: async (_, run) => { if (run.attempt === 0) throw new Error('once'); return 'go'; } });

    it.each(['sqs', 'dynamodb'] as const)('passes in no time: a retry hours away, from %s', async (retryQueue) => {
      const workflow = new TestWorkflow({ implementations: [failingOnce], retryQueues: [retryQueue], seed: 5 });
      const execution = await workflow.start('slow');
      const started = performance.now();
      await workflow.run();
      expect(execution.status).toBe('completed');
      expect(workflow.now.getTime() - VIRTUAL_EPOCH).toBeGreaterThan(3_600_000);
      expect(performance.now() - started).toBeLessThan(2_000);
    });

    it('goes on only as far as it is told', async () => {
      const workflow = new TestWorkflow({ implementations: [failingOnce], seed: 5 });
      const execution = await workflow.start('slow');
      await workflow.advance({ minutes: 59, seconds: 60 });
      expect([execution.status, workflow.now.getTime() - VIRTUAL_EPOCH]).toEqual(['running', 3_600_000]);
      await workflow.advance({ hours: 23, milliseconds: 60_000 });
      expect([execution.status, workflow.now.getTime() - VIRTUAL_EPOCH]).toEqual(['completed', 86_460_000]);
    });

    it('is spent by actions that sleep, and waits for those that do real work', async () => {
      const machine = defineMachine({ name: 'm', initial: 'a', states: { a: { entry: 'sleep', do: 'wait', on: { go: 'b' } }, b: { final: true } } });
      const workflow: TestWorkflow = new TestWorkflow({
        implementations: [implement(machine, {
          sleep: () => workflow.sleep({ seconds: 10 }),
          wait: async () => { await realTimeout(30); return 'go'; },
        })],
      });
      const execution = await workflow.start('m');
      const started = performance.now();
      await workflow.run();
      expect(performance.now() - started).toBeLessThan(900);
      const [attempt] = execution.steps[0]!.attempts;
      expect(attempt?.actions.map(({ startedAt, endedAt }) => endedAt!.getTime() - startedAt.getTime())).toEqual([10_000, 0]);
      expect(execution.status).toBe('completed');
    });

    it('goes on to the deadline when an action hangs', async () => {
      const machine = defineMachine({ name: 'm', initial: 'a', maxRetries: 1, states: { a: { do: 'hang', on: { go: 'b' } }, b: { final: true } } });
      const workflow = new TestWorkflow({
        patience: 30,
        implementations: [implement(machine, { hang: async (_, run) => { if (run.attempt === 0) await new Promise(() => undefined); return 'go'; } })],
      });
      const execution = await workflow.start('m');
      await workflow.run();
      expect(execution.steps[0]!.attempts.map(({ outcome, error }) => [outcome, error?.name])).toEqual([
        ['retrying', 'DeadlineError'], ['dispatched', undefined],
      ]);
      expect(execution.status).toBe('completed');
    });
  });

  describe('faults', () => {
    it('hit actions by name, before or after they ran', async () => {
      const workflow = open({ faults: [{ on: 'actions.charge', fault: 'fail', call: 1, effect: 'after' }] });
      const execution = await workflow.start('order', { context: { sku: 'tea' } });
      await workflow.run();
      const charges = execution.steps[1]!.attempts.map(({ actions }) => actions.filter(({ name }) => name === 'charge').length);
      expect([execution.status, charges]).toEqual(['parked', [1, 1]]);
      expect(execution.steps[1]!.attempts[0]!.error?.name).toBe('InjectedError');
    });

    it('make invocations die, and the attempt is shown unfinished', async () => {
      const workflow = open({ faults: [{ on: 'actions.charge', fault: 'crash', call: 1, effect: 'before' }] });
      const execution = await workflow.start('order', { context: { sku: 'tea' } });
      await workflow.run();
      expect(execution.steps[1]!.attempts.map(({ outcome }) => outcome)).toEqual(['unfinished', 'parked']);
      expect(execution.status).toBe('parked');
    });

    it('break the primary event source, and the failover carries on', async () => {
      const workflow = open({ eventSources: ['sqs', 'kinesis'], faults: [{ on: 'eventSources[0]', fault: 'fail', effect: 'before' }] });
      const execution = await workflow.start('order', { context: { sku: 'tea' } });
      await workflow.run();
      expect([execution.status, workflow.metrics.of('Failover')]).toEqual(['parked', 1]);
      expect(execution.steps[1]!.attempts[0]!.place?.service).toBe('kinesis');
    });

    it('hit clients only by their own name', async () => {
      const workflow = open({ faults: [{ fault: 'fail', on: 'client.eventSources' }] });
      await expect(workflow.start('order')).rejects.toThrow('start');
      await expect(open({ faults: [{ fault: 'fail', effect: 'before' }] }).start('order')).resolves.toBeDefined();
    });

    it('make a client crash, and the next one works', async () => {
      const workflow = open({ faults: [{ fault: 'crash', on: 'client', call: 1 }] });
      await expect(workflow.start('order')).rejects.toThrow('died');
      await workflow.start('order');
    });

    it('come again with the same seed, and can be replayed as they were', async () => {
      const run = async (options: TestWorkflowOptions) => {
        const workflow = open({ eventSources: ['sqs', 'dynamodb'], disorder: true, seed: 'replay', ...options });
        for (let index = 0; index < 20; index++) await workflow.start('order', { executionId: `o-${index}`, context: { sku: 'tea' } });
        await workflow.run();
        return { stories: workflow.executions.map(({ story }) => story), faults: workflow.injectedFaults, now: workflow.now };
      };
      const share = 0.05;
      const first = await run({
        faults: [{ fault: 'fail', share }, { fault: 'crash', share: 0.02 }, { fault: 'delay', share, milliseconds: [1, 500] }, { fault: 'repeat', share }],
      });
      expect(first.faults.length).toBeGreaterThan(20);
      expect(first.stories.join()).toContain('parked');
      expect(await run({ faults: first.faults })).toEqual(first);
      const other = await run({ seed: 'other', faults: [{ fault: 'fail', share }] });
      expect(other.stories).not.toEqual(first.stories);
    });
  });

  describe('refuses', () => {
    it('to go on for ever', async () => {
      const machine = defineMachine({ name: 'loop', initial: 'a', states: { a: { do: 'again', on: { again: 'a', stop: 'b' } }, b: { final: true } } });
      const workflow = new TestWorkflow({ implementations: [implement(machine, { again: async () => 'again' })] });
      await workflow.start('loop', { executionId: 'round' });
      const run = workflow.run({ maxInvocations: 50 });
      await expect(run).rejects.toThrow(EndlessRunError);
      await expect(run).rejects.toThrow(/"round" of machine "loop" in state "a" at step 5\d/);
      await workflow.run({ until: () => workflow.execution('round').steps.length >= 60 });
      expect(workflow.execution('round').steps).toHaveLength(60);
    });

    it('a workflow without machines, and one without some of its actions, all at once', () => {
      expect(() => new TestWorkflow({})).toThrow('implementations');
      const { machines } = loadYaml('name: m\ninitial: a\nstates: { a: { do: one, exit: two, on: { go: b } }, b: { final: true } }', 'm.yaml');
      expect(() => new TestWorkflow({ machines })).toThrow(/"a": one[^]*"a": two/);
      expect(() => new TestWorkflow({ machines: [...machines, ...machines], actions: { one: () => 'go', two: () => undefined } })).toThrow('"m"');
    });

    it('to be run by an action', async () => {
      const machine = defineMachine({ name: 'm', initial: 'a', maxRetries: 0, states: { a: { do: 'run', on: { go: 'b' } }, b: { final: true } } });
      const workflow: TestWorkflow = new TestWorkflow({ implementations: [implement(machine, { run: async () => { await workflow.run(); return 'go'; } })] });
      const execution = await workflow.start('m');
      await workflow.run();
      expect(execution.error?.message).toContain('running already');
    });
  });

  it('lets actions use a client: they may start and send', async () => {
    const parent = defineMachine({ name: 'parent', initial: 'a', states: { a: { do: 'startChild', on: { go: 'b' } }, b: { final: true } } });
    const child = defineMachine({ name: 'child', initial: 'a', states: { a: { on: { go: 'b' } }, b: { final: true } } });
    const workflow: TestWorkflow = new TestWorkflow({
      implementations: [
        implement(parent, { startChild: async () => { await (await workflow.start('child', { executionId: 'c' })).send('go'); return 'go'; } }),
        implement(child, {}),
      ],
    });
    await workflow.start('parent', { executionId: 'p' });
    await workflow.run();
    expect(workflow.executions.map(({ executionId, status }) => [executionId, status])).toEqual([['p', 'completed'], ['c', 'completed']]);
  });

  it('runs machines from a file with actions by any name', async () => {
    const { machines } = loadYaml('name: m\ninitial: a\nstates: { a: { do: my.actions.Work, on: { go: b } }, b: { final: true } }', 'm.yaml');
    const workflow = new TestWorkflow({ machines, actions: defineActions({ 'my.actions.Work': (context) => { context.done = true; return 'go'; } }) });
    const execution = await workflow.start('m');
    await workflow.run();
    expect([execution.status, execution.context]).toEqual(['completed', { done: true }]);
  });
});
