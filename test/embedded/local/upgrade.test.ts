import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { WorkflowClient } from '../../../lambda/client';
import { startLocal, type Local } from '../../../lambda/local';
import { temporaryDirectory, until } from '../../support/local';
import { EventSource, FsmWorkflow, MachineDefinition, RetryQueue, UpgradePolicy } from 'cdk-lambda-fsm';

/* The bundled runtime on embedded servers: a workflow is redeployed while its executions are in flight. */

// The engine waits a minute for an unknown definition.
jest.setTimeout(600_000);

/** a ─▶ b ─▶ waiting (parks) ─▶ c ─▶ done; the new definition has one more state before the end. */
function machine(name: string, version: 1 | 2) {
  return {
    name,
    initial: 'a',
    states: {
      a: { do: 'work', on: { next: 'b' } },
      b: { do: 'work', on: { next: 'waiting' } },
      waiting: { on: { go: 'c' } },
      c: { do: 'work', on: { next: version === 1 ? 'done' : 'added' } },
      ...(version === 2 && { added: { do: 'work', on: { next: 'done' } } }),
      done: { final: true },
    },
  };
}

const POLICIES = { moving: UpgradePolicy.MOVE, finishing: UpgradePolicy.FINISH_ON_OLD, stopping: UpgradePolicy.STOP };
const NAMES = Object.keys(POLICIES) as (keyof typeof POLICIES)[];

const actions = join(temporaryDirectory(), 'actions.mjs');
writeFileSync(
  actions,
  `
  export default {
    work: async (context, run) => {
      if (run.state === 'b' && context.slow) await new Promise((resolve) => setTimeout(resolve, 6_000));
      context.path = [...context.path ?? [], run.state];
      return 'next';
    },
  };`,
);

const databaseFile = join(temporaryDirectory(), 'tables.db');
let local: Local | undefined;
afterAll(() => local?.stop());

/** Stops the running version abruptly, and starts this version of the workflow on the same tables. */
async function deploy(version: 1 | 2): Promise<WorkflowClient> {
  const app = new App({ outdir: temporaryDirectory(), analyticsReporting: false });
  const workflow = new FsmWorkflow(new Stack(app, 'Shop'), 'Orders', {
    machines: NAMES.map((name) =>
      MachineDefinition.fromObject(machine(name, version), {
        upgradePolicy: POLICIES[name],
        ...(version === 2 &&
          name === 'finishing' && { previousVersions: [MachineDefinition.fromObject(machine(name, 1))] }),
      }),
    ),
    actions,
    timeout: Duration.seconds(10),
    eventSource: EventSource.dynamoDb(),
    retryQueue: RetryQueue.dynamoDb(),
  });
  const assembly = app.synth().directory;
  await local?.stop();
  local = await startLocal({ assembly, databaseFile, scheduleInterval: 1_000 });
  Object.assign(process.env, local.environment);
  return new WorkflowClient(local.workflows[workflow.workflowName]!);
}

test('running executions follow the upgrade policy of their machine', async () => {
  const old = await deploy(1);
  for (const name of NAMES) await old.start({ machine: name, executionId: `${name}-parked` });
  await until(
    async () =>
      (await Promise.all(NAMES.map((name) => old.describe(`${name}-parked`)))).every(
        (found) => found?.status === 'parked',
      ),
    180_000,
  );
  for (const name of NAMES) await old.start({ machine: name, executionId: `${name}-running`, context: { slow: true } });
  await until(
    async () =>
      (await Promise.all(NAMES.map((name) => old.describe(`${name}-running`)))).every((found) => found?.step === 1),
    180_000,
  );

  const client = await deploy(2);
  const ids = NAMES.flatMap((name) => [`${name}-parked`, `${name}-running`, `${name}-new`]);
  for (const name of NAMES) await client.start({ machine: name, executionId: `${name}-new` });
  for (const id of ids) await client.send(id, 'go', { id: 'go' });
  const ends = async () =>
    Object.fromEntries(await Promise.all(ids.map(async (id) => [id, await client.describe(id)] as const)));
  const outcomes = async () => Object.values(await ends()).map((found) => found?.status);
  await until(async () => (await outcomes()).every((status) => status === 'completed' || status === 'failed'), 180_000);

  const withAdded = { status: 'completed', context: { path: ['a', 'b', 'c', 'added'] } };
  const withoutAdded = { status: 'completed', context: { path: ['a', 'b', 'c'] } };
  const stopped = {
    status: 'failed',
    error: {
      name: 'DefinitionChangedError',
      message: expect.stringContaining("The machine's upgrade policy stops such executions."),
    },
  };
  expect(await ends()).toMatchObject({
    'moving-parked': withAdded,
    'moving-running': withAdded,
    'moving-new': withAdded,
    'finishing-parked': withoutAdded,
    'finishing-running': withoutAdded,
    'finishing-new': withAdded,
    'stopping-parked': { ...stopped, state: 'waiting' },
    'stopping-running': { ...stopped, state: 'a' },
    'stopping-new': withAdded,
  });

  for (const id of ['stopping-parked', 'stopping-running']) await client.redrive(id, { moveToCurrent: true });
  await until(async () => (await outcomes()).every((status) => status === 'completed'), 120_000);
  expect(await ends()).toMatchObject({ 'stopping-parked': withAdded, 'stopping-running': withAdded });
});
