import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { WorkflowClient } from '../../../lambda/client';
import { startLocal, type Local } from '../../../lambda/local';
import { temporaryDirectory, until } from '../../support/local';
import { FsmWorkflow, MachineDefinition } from 'cdk-lambda-fsm';

/* The bundled runtime on embedded servers: more executions are started than may run concurrently. */

jest.setTimeout(180_000);

const actions = join(temporaryDirectory(), 'actions.mjs');
writeFileSync(
  actions,
  `
  export default {
    begin: (context) => { context.began = Date.now(); },
    work: async () => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      return 'next';
    },
    end: (context) => { context.ended = Date.now(); },
  };`,
);

let local: Local | undefined;
afterAll(() => local?.stop());

test('concurrent executions never exceed the limit, and all of them end', async () => {
  const app = new App({ outdir: temporaryDirectory(), analyticsReporting: false });
  const workflow = new FsmWorkflow(new Stack(app, 'Shop'), 'Jobs', {
    machines: [
      MachineDefinition.fromObject(
        {
          name: 'job',
          initial: 'a',
          states: {
            a: { entry: 'begin', do: 'work', on: { next: 'b' } },
            b: { do: 'work', on: { next: 'c' } },
            c: { final: true, entry: 'end' },
          },
        },
        { maxRunningExecutions: 2 },
      ),
    ],
    actions,
  });
  const log: string[] = [];
  local = await startLocal({ assembly: app.synth().directory, onLine: (line) => void log.push(line) });
  Object.assign(process.env, local.environment);
  const client = new WorkflowClient(local.workflows[workflow.workflowName]!);
  const ids = Array.from({ length: 8 }, (_, n) => `job-${n}`);
  await client.startMany(ids.map((executionId) => ({ machine: 'job', executionId })));
  const found = () => Promise.all(ids.map((id) => client.describe(id)));
  await until(async () => (await found()).every((execution) => execution?.status === 'completed'), 150_000);

  const times = (await found()).map((execution) => execution?.context as { began: number; ended: number });
  const together = times.map(
    ({ began }) => times.filter((other) => other.began <= began && began < other.ended).length,
  );
  expect(Math.max(...together)).toBe(2);
  expect(local.metrics.Delayed).toBeGreaterThanOrEqual(6);
  expect(local.metrics.Error ?? 0).toBe(0);
  // The function changes the visibility timeout of the messages that wait.
  expect(log.filter((line) => line.includes('visibility timeout'))).toEqual([]);
});
