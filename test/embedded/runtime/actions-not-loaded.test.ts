import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WorkflowClient } from '../../../lambda/client';
import { temporaryDirectory, until } from '../../support/local';
import { runningStacks, synthesize } from '../../support/local-stack';
import { FsmWorkflow, MachineDefinition } from 'cdk-lambda-fsm';

/* The bundled runtime with an actions file that throws while it loads. */

jest.setTimeout(120_000);
const stacks = runningStacks();

test('executions fail with the reason', async () => {
  const actions = join(temporaryDirectory(), 'actions.mjs');
  writeFileSync(actions, `throw new RangeError('no TABLE in the environment'); export default { go: () => 'next' };`);
  const machine = {
    name: 'm',
    initial: 'a',
    maxRetries: 0,
    states: { a: { do: 'go', on: { next: 'b' } }, b: { final: true } },
  };
  const assembly = synthesize((stack) => {
    new FsmWorkflow(stack, 'Jobs', {
      workflowName: 'jobs',
      machines: [MachineDefinition.fromObject(machine)],
      actions,
    });
  });
  const local = await stacks.start({ assembly });
  Object.assign(process.env, local.environment);
  const client = new WorkflowClient(local.workflows.jobs!);
  await client.start({ machine: 'm', executionId: 'x' });
  await until(async () => (await client.describe('x'))?.status === 'failed', 60_000);
  expect(await client.describe('x')).toMatchObject({
    error: {
      name: 'ActionsNotLoadedError',
      message: expect.stringContaining('RangeError: no TABLE in the environment'),
    },
  });
});
