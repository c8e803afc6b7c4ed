import { actionsOf, type EngineOptions, type Ports } from '../../../../lambda/engine';
import {
  Run,
  defineMachine,
  definitionHash,
  normalize,
  type MachineInput,
  type UpgradePolicy,
} from '../../../../lambda/machine';
import { committedAttempt } from '../../../support/committed';
import { Deployments } from '../../../support/deployments';

const SECOND = 1_000;

/** reserving ── reserved ──▶ waiting (parks) ── paid ──▶ packing ── packed ──▶ done */
const before = defineMachine({
  name: 'order',
  initial: 'reserving',
  maxRetries: 1,
  states: {
    reserving: { do: 'reserve', on: { reserved: 'waiting' } },
    waiting: { on: { paid: 'packing' } },
    packing: { do: 'pack', catch: 'done', on: { packed: 'done' } },
    done: { final: true, entry: 'end' },
  },
});

/** With one more state at the end. */
const longer = defineMachine({
  ...before,
  states: {
    ...before.states,
    packing: { do: 'pack', on: { packed: 'shipping' } },
    shipping: { do: 'ship', on: { delivered: 'done' } },
  },
});

/** Without the waiting state. */
const renamed = defineMachine({
  ...before,
  states: {
    reserving: { do: 'reserve', on: { reserved: 'billing' } },
    billing: { on: { paid: 'packing' } },
    packing: before.states.packing,
    done: before.states.done,
  },
});

const actions = { reserve: () => 'reserved', pack: () => 'packed', ship: () => 'delivered', end: () => undefined };

function upgraded(machine: MachineInput, policy: UpgradePolicy, ...previousVersions: MachineInput[]) {
  const upgrades = { order: { policy, previousVersions: previousVersions.map((version) => normalize(version)) } };
  const options: EngineOptions = { upgrades };
  return { machines: [machine], options };
}

/** A workflow with a parked execution. */
async function parked(bodies: ConstructorParameters<typeof Deployments>[1] = actions): Promise<Deployments> {
  const workflow = new Deployments({ machines: [before] }, bodies);
  await workflow.client((client) => client.start({ machine: 'order', executionId: 'x' }));
  await workflow.bench.run();
  expect(workflow.lock('x')).toMatchObject({ status: 'parked', state: 'waiting' });
  return workflow;
}

const pay = (workflow: Deployments) => workflow.client((client) => client.send('x', 'paid'));
const describeOf = (workflow: Deployments) => workflow.client((client) => client.describe('x'));
const totals = (workflow: Deployments, name: Parameters<Ports['metrics']['count']>[0]) =>
  workflow.bench.totals.of(name);

describe('move', () => {
  test('an execution continues with the new definition from its next step', async () => {
    const workflow = await parked();
    workflow.deploy({ machines: [longer] });
    await pay(workflow);
    await workflow.bench.run();
    expect(workflow.ran).toEqual(['1 reserving', '2 packing', '2 shipping', '2 done']);
    expect(workflow.lock('x')).toMatchObject({ status: 'completed' });
  });

  test('an execution whose state the new definition lacks fails with the reason, and can be redriven once a definition has the state', async () => {
    const workflow = await parked();
    workflow.deploy({ machines: [renamed] });
    await pay(workflow);
    await workflow.bench.run();
    const description = await describeOf(workflow);
    expect(description).toMatchObject({
      status: 'failed',
      state: 'waiting',
      error: { name: 'DefinitionChangedError' },
    });
    expect(description?.error?.message).toMatch(
      /^Machine "order": the execution is in state "waiting" of definition [0-9a-f]{16}, but definition [0-9a-f]{16} is deployed\. Machine "order" has no state "waiting"/,
    );
    expect(description?.error?.message).toContain(
      'Deploy a definition that has this state and handles this event, then redrive the execution.',
    );
    workflow.deploy({ machines: [longer] });
    await workflow.client((client) => client.redrive('x'));
    await workflow.bench.run();
    expect(workflow.lock('x')).toMatchObject({ status: 'completed' });
  });
});

describe('finish on old', () => {
  test('an execution ends with the definition that it began with, and a new execution uses the new definition', async () => {
    const workflow = await parked();
    workflow.deploy(upgraded(longer, 'finish-on-old', before));
    await workflow.client((client) => client.start({ machine: 'order', executionId: 'new' }));
    await pay(workflow);
    await workflow.bench.run();
    expect(workflow.ran).toEqual(expect.not.arrayContaining(['2 shipping']));
    expect(await describeOf(workflow)).toMatchObject({ status: 'completed', step: 3 });
    await workflow.client((client) => client.send('new', 'paid'));
    await workflow.bench.run();
    expect(workflow.ran.filter((entry) => entry === '2 shipping')).toHaveLength(1);
    expect(workflow.lock('new')).toMatchObject({ status: 'completed' });
  });

  test('the definition is kept through retries, a catch transition and another deployment', async () => {
    const workflow = await parked({
      ...actions,
      pack: () => {
        throw new Error('no');
      },
    });
    workflow.deploy(upgraded(longer, 'finish-on-old', before));
    await pay(workflow);
    await workflow.bench.run({ until: () => totals(workflow, 'Retry') > 0 });
    workflow.deploy(upgraded(renamed, 'finish-on-old', longer, before));
    await workflow.bench.run();
    // The longer definition has no catch transition in this state.
    expect(workflow.lock('x')).toMatchObject({ status: 'completed', state: 'done' });
    const hashes = (await describeOf(workflow))?.steps.map((step) => committedAttempt(step)?.definition);
    expect(new Set(hashes).size).toBe(1);
  });

  test('an execution whose definition is not deployed fails, names that definition, and continues once it is deployed', async () => {
    const workflow = await parked();
    workflow.deploy(upgraded(longer, 'finish-on-old'));
    await pay(workflow);
    await workflow.bench.run();
    const description = await describeOf(workflow);
    expect(description).toMatchObject({ status: 'failed', error: { name: 'DefinitionChangedError' } });
    expect(description?.error?.message).toContain(
      'Add the earlier definition to the previousVersions of the machine, deploy, and redrive the execution',
    );
    expect(description?.error?.message).toContain(committedAttempt(description?.steps[0])?.definition);
    workflow.deploy(upgraded(longer, 'finish-on-old', before));
    await workflow.client((client) => client.redrive('x'));
    await workflow.bench.run();
    expect(workflow.ran).toEqual(['1 reserving', '3 packing', '3 done']);
  });
});

describe('stop', () => {
  test('an execution fails at its next step without running anything, and a redrive with moveToCurrent resumes it', async () => {
    const workflow = await parked();
    workflow.deploy(upgraded(longer, 'stop'));
    await pay(workflow);
    await workflow.bench.run();
    const description = await describeOf(workflow);
    expect(description).toMatchObject({
      status: 'failed',
      state: 'waiting',
      error: { name: 'DefinitionChangedError' },
    });
    expect(description?.error?.message).toContain("The machine's upgrade policy stops such executions.");
    expect(workflow.deadLetters).toHaveLength(1);
    expect(totals(workflow, 'Fatal')).toBe(1);
    expect(workflow.ran).toEqual(['1 reserving']);

    await workflow.client((client) => client.redrive('x'));
    await workflow.bench.run();
    expect(workflow.lock('x')).toMatchObject({ status: 'failed' });
    await workflow.client((client) => client.redrive('x', { moveToCurrent: true }));
    await workflow.bench.run();
    expect(workflow.ran).toEqual(['1 reserving', '2 packing', '2 shipping', '2 done']);
  });

  test('an execution does not take a catch transition', async () => {
    const workflow = await parked();
    workflow.deploy(
      upgraded(
        { ...longer, states: { ...longer.states, waiting: { on: { paid: 'packing' }, catch: 'done' } } },
        'stop',
      ),
    );
    await pay(workflow);
    await workflow.bench.run();
    expect(workflow.lock('x')).toMatchObject({ status: 'failed' });
  });

  test('executions of an unchanged definition continue, and so do executions that were started but have not begun', async () => {
    const workflow = await parked();
    workflow.deploy({ ...upgraded({ ...before, states: { ...before.states } }, 'stop') });
    await pay(workflow);
    await workflow.client((client) => client.start({ machine: 'order', executionId: 'new' }));
    await workflow.bench.run();
    expect(workflow.lock('x')).toMatchObject({ status: 'completed' });
    expect(workflow.lock('new')).toMatchObject({ status: 'parked' });
  });

  test('a start that fails and is caught under one definition does not continue under the next', async () => {
    const caught = {
      ...before,
      maxRetries: 0,
      states: { ...before.states, reserving: { do: 'reserve', on: { reserved: 'waiting' }, catch: 'done' } },
    };
    const workflow = new Deployments(
      { machines: [caught] },
      {
        ...actions,
        reserve: () => {
          throw new Error('no');
        },
      },
    );
    await workflow.client((client) => client.start({ machine: 'order', executionId: 'x' }));
    await workflow.bench.run({ until: () => totals(workflow, 'Caught') > 0 });
    workflow.deploy(upgraded({ ...caught, maxRetries: 9 }, 'stop'));
    await workflow.bench.run();
    expect(workflow.lock('x')).toMatchObject({ status: 'failed', step: 1 });
  });
});

describe('during a deployment, when old and new functions receive envelopes by turns', () => {
  const old = defineMachine({
    name: 'line',
    initial: 'a',
    states: { a: { do: 'go', on: { go: 'b' } }, b: { do: 'go', on: { go: 'end' } }, end: { final: true } },
  });
  const next = defineMachine({
    ...old,
    states: {
      ...old.states,
      a: { do: 'go', on: { go: 'added' } },
      added: { do: 'go', on: { go: 'again' } },
      again: { do: 'go', on: { go: 'b' } },
    },
  });

  test.each<UpgradePolicy>(['move', 'finish-on-old', 'stop'])(
    'with policy %s, what the new one has begun does not fail in the old one',
    async (policy) => {
      const options = { upgrades: { line: { policy, previousVersions: [normalize(old)] } } };
      const workflow = new Deployments(
        { machines: [old], options: { upgrades: { line: { policy } } } },
        { go: () => 'go' },
      );
      workflow.deploy({ machines: [next], options });
      workflow.halfway = true;
      const ids = Array.from({ length: 20 }, (_, n) => `x${n}`);
      for (const executionId of ids) await workflow.client((client) => client.start({ machine: 'line', executionId }));
      await workflow.bench.advance(30 * SECOND);
      workflow.halfway = false;
      await workflow.bench.run();
      const begun = await Promise.all(
        ids.map(async (executionId) => {
          const description = await workflow.client((client) => client.describe(executionId));
          return {
            status: description?.status,
            onNew: committedAttempt(description?.steps[0])?.definition === definitionHash(normalize(next)),
          };
        }),
      );
      const statuses = (onNew: boolean) =>
        new Set(begun.filter((each) => each.onNew === onNew).map(({ status }) => status));
      expect(statuses(true)).toEqual(new Set(['completed']));
      // Executions that the new definition does not continue end in the old one while it is deployed.
      expect(statuses(false)).toEqual(new Set(['completed']));
      expect(workflow.ran).toEqual(expect.arrayContaining(['1 a', '2 a', '2 added', '2 again']));
    },
  );

  test('an execution of a machine that the old function does not know waits for the new function', async () => {
    const workflow = new Deployments({ machines: [{ ...before, name: 'other' }] }, actions);
    workflow.deploy({ machines: [before] });
    workflow.halfway = true;
    for (let n = 0; n < 10; n++) {
      await workflow.client((client) => client.start({ machine: 'order', executionId: `x${n}` }));
    }
    await workflow.bench.advance(30 * SECOND);
    workflow.halfway = false;
    await workflow.bench.run();
    expect(workflow.deadLetters).toEqual([]);
    expect(Array.from({ length: 10 }, (_, n) => workflow.lock(`x${n}`)?.status)).toEqual(Array(10).fill('parked'));
  });

  test('an execution of an unknown machine fails after a minute', async () => {
    const workflow = new Deployments({ machines: [before] }, actions);
    await workflow.client((client) => client.start({ machine: 'order', executionId: 'x' }));
    workflow.deploy({ machines: [{ ...before, name: 'other' }] });
    await workflow.bench.advance(59 * SECOND);
    expect(workflow.lock('x')).toMatchObject({ status: 'pending' });
    await workflow.bench.run();
    expect(await describeOf(workflow)).toMatchObject({ status: 'failed', error: { name: 'UnknownMachineError' } });
  });
});

describe('the actions of a machine and its previous versions', () => {
  test('are found in all implementations of the machine, and the first implementation wins', () => {
    const first = () => 'first';
    const second = () => 'second';
    const find = actionsOf([
      { machine: before, actions: { pack: first } },
      { machine: longer, actions: { pack: second, wrap: second } },
    ]);
    const results = [find('order', 'pack'), find('order', 'wrap'), find('order', 'ship'), find('other', 'pack')];
    expect(results.map((action) => action?.({}, {} as Run))).toEqual(['first', 'second', undefined, undefined]);
  });
});
