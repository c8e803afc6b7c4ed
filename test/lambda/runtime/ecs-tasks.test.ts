import type { EcsTaskConfiguration, EcsTasks } from '../../../lambda/contract/ecs-tasks';
import { actionsOf, type Executions } from '../../../lambda/engine';
import { defineMachine, type Actions } from '../../../lambda/machine';
import { EcsActions } from '../../../lambda/runtime/ecs-actions';
import { Requests } from '../../../lambda/runtime/requests';
import { EcsServer, type TaskStateChange } from '../../support/servers/ecs-server';
import { World, type ActionBody } from '../../support/world';

const video = defineMachine({
  name: 'video',
  initial: 'cutting',
  states: {
    cutting: { do: 'cut', on: { cut: { target: 'packing', action: 'note' }, uncut: 'failed', short: 'done' } },
    packing: { do: 'cut', on: { cut: { target: 'done', action: 'note' }, uncut: 'failed' } },
    done: { final: true },
    failed: { final: true, entry: 'note' },
  },
});

const task: EcsTaskConfiguration = {
  cluster: 'arn:aws:ecs:eu-west-1:1:cluster/main',
  taskDefinition: 'arn:aws:ecs:eu-west-1:1:task-definition/cutter:7',
  container: 'cutter',
  startedBy: 'Stack-Videos-cut',
  onSuccess: 'cut',
  onFailure: 'uncut',
  launchType: 'FARGATE',
  network: { subnets: ['subnet-1'], securityGroups: ['sg-1'], assignPublicIp: false },
  command: ['cut', '--fast'],
  environment: { LEVEL: 'high' },
  context: ['file', 'seconds', 'text', 'tries'],
};

let ecs: EcsServer;
beforeEach(async () => {
  ecs = await EcsServer.start();
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_ECS: ecs.endpoint,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  });
});
afterEach(() => ecs.stop());

interface Options {
  readonly tasks?: EcsTasks;
  readonly actions?: Actions;
  readonly world?: ConstructorParameters<typeof World>[2];
}

function create(options: Options = {}) {
  const tasks = options.tasks ?? { cut: task };
  const lookup = new EcsActions(tasks).over(actionsOf(options.actions ?? {}));
  const cut: ActionBody = (context, run) => lookup('video', 'cut')!(context, run);
  const note: ActionBody = (context, run) => {
    context.noted = run.data ?? null;
  };
  const world = new World([video], { cut, note }, { patience: 5_000, ...options.world });
  const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const asRequests = <T>(code: (requests: Requests) => Promise<T>) =>
    world.client((executions: Executions) => code(new Requests(executions, tasks, logger)));
  const invoke = (event: unknown) => asRequests((requests) => requests.serve(event));
  return { world, invoke };
}

test('starts a task with its environment, and continues the execution when the task ends', async () => {
  const { world, invoke } = create();
  await world.start('video', 'x', { file: 'a.mp4' });
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ status: 'parked', step: 0 });
  expect(ecs.requests).toEqual([
    {
      cluster: task.cluster,
      taskDefinition: task.taskDefinition,
      count: 1,
      clientToken: expect.stringMatching(/^[0-9a-f]{64}$/),
      startedBy: expect.stringMatching(/^Stack-Videos-cut\/[A-Za-z0-9_-]{43}$/),
      tags: [{ key: 'cdk-lambda-fsm:started-by', value: 'Stack-Videos-cut' }],
      launchType: 'FARGATE',
      networkConfiguration: {
        awsvpcConfiguration: { subnets: ['subnet-1'], securityGroups: ['sg-1'], assignPublicIp: 'DISABLED' },
      },
      overrides: {
        containerOverrides: [{ name: 'cutter', command: ['cut', '--fast'], environment: expect.any(Array) }],
      },
    },
  ]);
  expect(ecs.environment(0)).toEqual({
    LEVEL: 'high',
    FSM_EXECUTION_ID: 'x',
    FSM_STEP: '0',
    FSM_CONTEXT: '{"file":"a.mp4"}',
    FSM_CALLBACK_TOKEN: expect.any(String),
  });
  await expect(invoke(ecs.stopped(0, 0))).resolves.toBe(true);
  await world.bench.run();
  expect(ecs.tasks).toHaveLength(2);
  expect(ecs.requests[1]?.clientToken).not.toBe(ecs.requests[0]?.clientToken);
  await invoke(ecs.stopped(1, 0));
  await world.bench.run();
  expect(await world.describe('x')).toMatchObject({
    status: 'completed',
    context: {
      file: 'a.mp4',
      noted: {
        taskArn: ecs.tasks[1]?.taskArn,
        exitCode: 0,
        stopCode: 'EssentialContainerExited',
        reason: 'Essential container in task exited',
      },
    },
  });
});

test.each([
  ['another exit code than 0', 3, { exitCode: 3 }],
  [
    'no exit code, because it never started',
    undefined,
    { stopCode: 'TaskFailedToStart', reason: 'CannotPullContainerError' },
  ],
])('treats a container with %s as failed', async (_, exitCode, data) => {
  const { world, invoke } = create();
  await world.start('video', 'x');
  await world.bench.run();
  await invoke(ecs.stopped(0, exitCode));
  await world.bench.run();
  expect(await world.describe('x')).toMatchObject({ status: 'completed', state: 'failed', context: { noted: data } });
});

test('ignores duplicate and late events, and events of other tasks', async () => {
  const { world, invoke } = create();
  await world.start('video', 'x');
  await world.bench.run();
  const running = ecs.stopped(0, 0, 'RUNNING');
  const stranger = ecs.stopped(0, 0);
  const others: TaskStateChange = { ...stranger, detail: { ...stranger.detail, startedBy: 'somebody' } };
  const byHand: TaskStateChange = {
    ...stranger,
    detail: { ...stranger.detail, overrides: { containerOverrides: [] } },
  };
  for (const event of [running, others, byHand]) await expect(invoke(event)).resolves.toBe(true);
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ status: 'parked', step: 0 });
  const stopped = ecs.stopped(0, 0);
  await invoke(stopped);
  await invoke(stopped);
  await world.bench.run();
  await invoke(stopped);
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ status: 'parked', step: 1 });
});

test.each<[string, (begun: { calls: number }) => Actions]>([
  ['which change nothing', () => ({})],
  [
    'that prepare a different context each time',
    (begun) => ({
      cut: (context) => {
        context.tries = begun.calls += 1;
      },
    }),
  ],
])('starts one task for all attempts of a step: with attempts %s', async (_, actions) => {
  // The first attempt of each step crashes after it starts its task; the response to the second is lost.
  const { world, invoke } = create({
    actions: actions({ calls: 0 }),
    world: { faults: [{ on: 'actions.cut', fault: 'crash', effect: 'after', call: [1, 3] }] },
  });
  ecs.lost = 2;
  await world.start('video', 'x');
  await world.bench.run();
  expect(world.effects.length).toBeGreaterThan(1);
  expect(ecs.tasks).toHaveLength(1);
  await invoke(ecs.stopped(0, 0));
  await world.bench.run();
  expect(ecs.tasks).toHaveLength(2);
  await invoke(ecs.stopped(1, 0));
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ status: 'completed', step: 2 });
});

test('handles a task that ends before its execution waits', async () => {
  const { world, invoke } = create({
    world: { faults: [{ on: 'actions.cut', fault: 'crash', effect: 'after', call: 1 }] },
  });
  await world.start('video', 'x');
  await world.bench.run({ until: () => ecs.tasks.length === 1 });
  await invoke(ecs.stopped(0, 0));
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ status: 'parked', step: 1 });
});

test('retries a cluster without capacity, and eventually fails the step', async () => {
  const { world } = create();
  ecs.full = 2;
  await world.start('video', 'x');
  await world.bench.run();
  expect(world.lock('x')).toMatchObject({ status: 'parked' });
  ecs.full = Infinity;
  await world.start('video', 'y');
  await world.bench.run();
  expect(await world.describe('y')).toMatchObject({
    status: 'failed',
    error: { name: 'TaskNotStartedError', message: expect.stringMatching(/cutter:7: RESOURCE:MEMORY, arn:/) },
  });
});

test('gives the container no member of the context that the task does not name', async () => {
  const { world } = create({ tasks: { cut: { ...task, context: undefined } } });
  await world.start('video', 'x', { file: 'a.mp4', card: '4111' });
  await world.bench.run();
  expect(ecs.environment(0).FSM_CONTEXT).toBe('{}');
  expect(JSON.stringify(ecs.requests)).not.toMatch(/a\.mp4|4111/);
});

test('rejects a context that is too large, unless the container needs only a part of it', async () => {
  const large = { file: 'a.mp4', text: 'x'.repeat(8_000) };
  const whole = create();
  await whole.world.start('video', 'x', large);
  await whole.world.bench.run();
  expect((await whole.world.describe('x'))?.error).toMatchObject({
    name: 'TaskOverridesTooLargeError',
    message: expect.stringMatching(/"cutter" .* have 8\d\d\d characters/),
  });
  const some = create({ tasks: { cut: { ...task, context: ['file', 'absent'] } } });
  await some.world.start('video', 'x', large);
  await some.world.bench.run();
  expect(ecs.environment(0).FSM_CONTEXT).toBe('{"file":"a.mp4"}');
});

test('lets the code of the action prepare the context, or skip the task', async () => {
  const { world } = create({
    actions: {
      cut: (context) => {
        context.seconds = 3;
        return context.live ? 'short' : undefined;
      },
    },
  });
  await world.start('video', 'x');
  await world.start('video', 'y', { live: true });
  await world.bench.run();
  expect(ecs.tasks).toHaveLength(1);
  expect(ecs.environment(0).FSM_CONTEXT).toBe('{"seconds":3}');
  expect(world.lock('y')?.status).toBe('completed');
});

describe('starts', () => {
  const start = (detail: unknown) => ({ source: 'cdk-lambda-fsm', 'detail-type': 'start', detail });

  test('an event starts one execution by its id', async () => {
    const { world, invoke } = create();
    const event = start({ machine: 'video', executionId: 'evt-1', context: { bucket: 'b' } });
    await expect(invoke(event)).resolves.toBe(true);
    await invoke(event);
    await world.bench.run();
    expect(ecs.tasks).toHaveLength(1);
    expect(await world.describe('evt-1')).toMatchObject({ status: 'parked', context: { bucket: 'b' } });
  });

  test.each([
    [undefined],
    ['video'],
    [{}],
    [{ machine: 7 }],
    [{ machine: 'video', executionId: 7 }],
    [{ machine: 'video', context: [] }],
    [{ machine: 'video', context: null }],
  ])('rejects %j', async (detail) => {
    const { invoke } = create();
    await expect(invoke(start(detail))).rejects.toThrow('Invalid detail of a start event: expected {');
  });

  test('rejects an unknown machine', async () => {
    const { invoke } = create();
    await expect(invoke(start({ machine: 'film' }))).rejects.toThrow('Unknown machine "film": expected "video".');
  });

  test.each([
    [undefined],
    [{ Records: [] }],
    [{ source: 'cdk-lambda-fsm', 'detail-type': 'timer' }],
    [{ source: 'aws.s3', 'detail-type': 'Object Created', detail: {} }],
  ])('does not treat %j as a start', async (event) => {
    await expect(create().invoke(event)).resolves.toBe(false);
  });
});
