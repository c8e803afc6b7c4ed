import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ECSClient, RunTaskCommand, StopTaskCommand } from '@aws-sdk/client-ecs';
import { Duration, type Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import { film } from './actions/film.machine';
import { WorkflowClient } from '../../../lambda/client';
import type { Local } from '../../../lambda/local';
import { clientOptions, temporaryDirectory, until } from '../../support/local';
import { addFunction, runningStacks, synthesize } from '../../support/local-stack';
import { FsmWorkflow, MachineDefinition, RetryQueue } from 'cdk-lambda-fsm';

jest.setTimeout(120_000);

const { start } = runningStacks();

/** A workflow that renders films in a container. The local runner ignores other containers of the stack. */
function addWorkflow(stack: Stack): void {
  const cluster = new ecs.Cluster(stack, 'Cluster', { vpc: new ec2.Vpc(stack, 'Network', { maxAzs: 2 }) });
  const taskDefinition = new ecs.FargateTaskDefinition(stack, 'Films', { family: 'films' });
  taskDefinition.addContainer('renderer', {
    image: ecs.ContainerImage.fromRegistry('renderer'),
    environment: { QUALITY: 'high', COLOUR: 'none' },
  });
  taskDefinition.addContainer('sidecar', {
    image: ecs.ContainerImage.fromRegistry('sidecar'),
    environment: { CLUSTER: 'x' },
  });
  new FsmWorkflow(stack, 'Studio', {
    machines: [MachineDefinition.fromObject(film)],
    actions: join(__dirname, 'actions', 'film.actions.ts'),
    retryQueue: RetryQueue.sqs(),
    timeout: Duration.seconds(5),
  }).addEcsTask('render', {
    cluster,
    taskDefinition,
    onSuccess: 'rendered',
    onFailure: 'broken',
    environment: { COLOUR: 'all' },
    context: ['title', 'prepared'],
    command: ['--frames', '24'],
  });
}

interface Call {
  readonly times: number;
  readonly pid: number;
  readonly args: string[];
  readonly env: Record<string, string>;
}

/** A program that records its invocation, and exits as the title of the film requests. */
function renderer(): { command: string; called: (executionId: string) => Call | undefined } {
  const directory = temporaryDirectory();
  const script = join(directory, 'renderer.js');
  writeFileSync(
    script,
    `
    const { existsSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
    const file = ${JSON.stringify(directory)} + '/' + process.env.FSM_EXECUTION_ID + '.json';
    const times = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).times : 0;
    // Written atomically: otherwise the test might read half of it.
    writeFileSync(file + '.new', JSON.stringify({ times: times + 1, pid: process.pid, args: process.argv.slice(2), env: process.env }));
    renameSync(file + '.new', file);
    console.log('rendering ' + process.env.FSM_EXECUTION_ID);
    const { title } = JSON.parse(process.env.FSM_CONTEXT);
    if (title === 'hang') setInterval(() => undefined, 1000);
    if (title === 'die') process.kill(process.ppid, 'SIGKILL');
    process.exitCode = Number(/exit (\\d+)/.exec(title)?.[1] ?? 0);`,
  );
  return {
    command: `node ${script}`,
    called: (executionId) => {
      const file = join(directory, `${executionId}.json`);
      return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
    },
  };
}

function clientOf(local: Local): WorkflowClient {
  Object.assign(process.env, local.environment);
  return new WorkflowClient(Object.values(local.workflows)[0]!);
}

test('a task runs as a process, and its exit code determines the next event of the execution', async () => {
  const { command, called } = renderer();
  const lines: string[] = [];
  const errors: Error[] = [];
  const local = await start({
    assembly: synthesize(addWorkflow),
    tasks: { renderer: command },
    onLine: (line) => lines.push(line),
    onError: (error) => errors.push(error),
  });
  const client = clientOf(local);
  for (const [executionId, title] of [
    ['good', 'Vertigo'],
    ['bad', 'exit 3'],
    ['dead', 'die'],
  ]) {
    await client.start({ machine: 'film', executionId, context: { title: title! } });
  }
  const ended = async (executionId: string) => (await client.describe(executionId))?.status === 'completed';
  await until(async () => (await ended('good')) && (await ended('bad')) && (await ended('dead')), 60_000);

  const taskArn = expect.stringMatching(/^arn:aws:ecs:us-east-1:000000000000:task\/Shop-Cluster\w+\/[0-9a-f]{32}$/);
  const outcome = (exitCode: number) => ({
    taskArn,
    exitCode,
    stopCode: 'EssentialContainerExited',
    reason: 'Essential container in task exited',
  });
  expect(await client.describe('good')).toMatchObject({
    state: 'done',
    context: { title: 'Vertigo', prepared: true, outcome: outcome(0) },
  });
  expect(await client.describe('bad')).toMatchObject({ state: 'failed', context: { outcome: outcome(3) } });
  expect(await client.describe('dead')).toMatchObject({ state: 'failed', context: { outcome: outcome(137) } });

  const { times, args, env } = called('good')!;
  expect({ times, args }).toEqual({ times: 1, args: ['--frames', '24'] });
  expect(JSON.parse(env.FSM_CONTEXT!)).toEqual({ title: 'Vertigo', prepared: true });
  expect(env).toMatchObject({
    QUALITY: 'high',
    COLOUR: 'all',
    FSM_STEP: '0',
    FSM_CALLBACK_TOKEN: expect.any(String),
    AWS_ACCESS_KEY_ID: local.environment.AWS_ACCESS_KEY_ID,
  });
  expect(env.AWS_ENDPOINT_URL).toMatch(/^http:\/\/127\.0\.0\.1:/);
  expect(lines).toContain('rendering good');
  expect(errors).toEqual([]);
});

test('despite failing requests, each task starts once and every execution ends', async () => {
  const { command, called } = renderer();
  const local = await start({
    assembly: synthesize(addWorkflow),
    tasks: { 'films/renderer': command },
    faults: { share: 0.15, seed: 5 },
    asynchronousRetryDelay: 100,
  });
  const client = clientOf(local);
  const ids = Array.from({ length: 12 }, (_, number) => `film-${number}`);
  for (const executionId of ids) {
    await persistently(() => client.start({ machine: 'film', executionId, context: { title: 'Vertigo' } }));
  }
  await until(
    async () =>
      (await Promise.all(ids.map(async (executionId) => persistently(() => client.describe(executionId))))).every(
        (found) => found?.status === 'completed',
      ),
    90_000,
  );
  expect(local.faults).toBeGreaterThan(5);
  expect(ids.map((executionId) => called(executionId)?.times)).toEqual(ids.map(() => 1));
});

/** Repeats a call until it succeeds. */
async function persistently<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Whether the process has ended. */
function isGone(pid: number): boolean {
  try {
    // Signal 0 checks whether the process exists.
    return !process.kill(pid, 0);
  } catch {
    return true;
  }
}

test('stopping the runner ends running tasks', async () => {
  const { command, called } = renderer();
  const local = await start({ assembly: synthesize(addWorkflow), tasks: { renderer: command } });
  await clientOf(local).start({ machine: 'film', executionId: 'long', context: { title: 'hang' } });
  await until(() => called('long') !== undefined);
  await local.stop();
  await until(() => isGone(called('long')!.pid));
});

test('canceling an execution stops its task, and no other', async () => {
  const { command, called } = renderer();
  const lines: string[] = [];
  const local = await start({
    assembly: synthesize(addWorkflow),
    tasks: { renderer: command },
    onLine: (line) => lines.push(line),
  });
  const client = clientOf(local);
  for (const executionId of ['one', 'other']) {
    await client.start({ machine: 'film', executionId, context: { title: 'hang' } });
  }
  for (const executionId of ['one', 'other']) {
    await until(
      async () => (await client.describe(executionId))?.status === 'parked' && called(executionId) !== undefined,
    );
  }
  await client.cancel('one');
  await until(() => isGone(called('one')!.pid));
  // The function also receives the end of the task, and ignores it.
  await until(() => lines.some((line) => line.includes('A task stopped that no execution waits for.')));
  expect(isGone(called('other')!.pid)).toBe(false);
  expect(await client.describe('other')).toMatchObject({ status: 'parked' });
});

test('as in AWS, a token starts one task, overrides have a maximum size, and rules receive state changes', async () => {
  const assembly = synthesize((stack) => {
    addWorkflow(stack);
    new events.Rule(stack, 'Running', {
      eventPattern: { source: ['aws.ecs'], detail: { lastStatus: ['RUNNING'] } },
      targets: [
        new targets.LambdaFunction(
          addFunction(stack, 'export const handler = async ({ detail }) => console.log("runs " + detail.startedBy);'),
        ),
      ],
    });
  });
  const lines: string[] = [];
  const local = await start({ assembly, tasks: { renderer: 'true' }, onLine: (line) => lines.push(line) });
  const client = new ECSClient({ ...clientOptions(local), maxAttempts: 1 });
  const run = (request: { clientToken?: string; startedBy?: string; name?: string; value?: string }) =>
    client.send(
      new RunTaskCommand({
        cluster: 'studio',
        taskDefinition: 'films:1',
        clientToken: request.clientToken,
        startedBy: request.startedBy ?? 'me',
        overrides: {
          containerOverrides: [
            { name: request.name ?? 'renderer', environment: [{ name: 'A', value: request.value ?? '1' }] },
          ],
        },
      }),
    );
  const first = await run({ clientToken: 'token' });
  expect(first.tasks?.[0]).toMatchObject({
    clusterArn: 'arn:aws:ecs:us-east-1:000000000000:cluster/studio',
    desiredStatus: 'RUNNING',
  });
  expect((await run({ clientToken: 'token' })).tasks?.[0]?.taskArn).toBe(first.tasks?.[0]?.taskArn);
  await expect(
    client.send(new StopTaskCommand({ cluster: 'studio', task: 'arn:aws:ecs:us-east-1:000000000000:task/studio/0' })),
  ).rejects.toThrow('not found');
  await expect(run({ clientToken: 'token', value: '2' })).rejects.toMatchObject({
    name: 'ConflictException',
    resourceIds: [first.tasks?.[0]?.taskArn],
  });
  await expect(run({ value: 'x'.repeat(8_192) })).rejects.toThrow('at most 8192');
  await expect(run({ startedBy: 'me & you' })).rejects.toThrow('startedBy');
  expect(await run({ name: 'sidecar' })).toMatchObject({
    tasks: [],
    failures: [{ reason: 'MISSING', detail: expect.stringContaining('"sidecar"') }],
  });
  await until(() => lines.includes('runs me'));
  expect(lines.filter((line) => line === 'runs me')).toHaveLength(1);
});

test('containers without commands and commands without containers are rejected before anything runs', async () => {
  await expect(start({ assembly: synthesize(addWorkflow), tasks: { render: 'true' } })).rejects.toThrow(
    'Container "films/renderer" has no local command. Pass one, for example: --task renderer=\'node renderer.js\'\n' +
      'Unknown container "render" in the local commands: the workflows run "films/renderer".',
  );
});
