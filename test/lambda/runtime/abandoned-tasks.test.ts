import type { EcsTaskConfiguration } from '../../../lambda/contract/ecs-tasks';
import { actionsOf, type Executions } from '../../../lambda/engine';
import { defineMachine, type Action } from '../../../lambda/machine';
import { EcsActions } from '../../../lambda/runtime/ecs-actions';
import { Requests } from '../../../lambda/runtime/requests';
import { EcsServer } from '../../support/servers/ecs-server';
import { World, type ActionBody } from '../../support/world';

/* Amazon ECS tasks that no execution waits for are stopped, without delaying or failing an execution. */

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

const film = defineMachine({
  name: 'film',
  initial: 'rendering',
  states: {
    rendering: {
      do: 'render',
      on: { rendered: 'archiving', broken: 'failed', late: 'archiving', dropped: 'archiving', partly: 'archiving' },
      timeout: { seconds: 3_600, event: 'late' },
    },
    archiving: { do: 'render', on: { rendered: 'done', broken: 'failed', late: 'failed', dropped: 'failed' } },
    done: { final: true },
    failed: { final: true },
  },
});

const task: EcsTaskConfiguration = {
  cluster: 'arn:aws:ecs:eu-west-1:1:cluster/main',
  taskDefinition: 'arn:aws:ecs:eu-west-1:1:task-definition/renderer:7',
  container: 'renderer',
  startedBy: 'Stack-Films-render',
  onSuccess: 'rendered',
  onFailure: 'broken',
  launchType: 'FARGATE',
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

function create(
  options: { readonly before?: ActionBody; readonly world?: ConstructorParameters<typeof World>[2] } = {},
) {
  const tasks = { render: task };
  const ecsActions = new EcsActions(tasks);
  const before: Action = (context, run) => options.before?.(context, run, world);
  const lookup = ecsActions.over(actionsOf({ render: before }));
  const render: ActionBody = (context, run) => lookup('film', 'render')!(context, run);
  const world: World = new World([film], { render }, { patience: 5_000, ...options.world }, {}, ecsActions);
  const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const invoke = (event: unknown) =>
    world.client((executions: Executions) => new Requests(executions, tasks, logger).serve(event));
  const cancel = (executionId = 'x') => world.client((executions) => executions.cancel(executionId));
  return { world, invoke, cancel };
}

/** Starts an execution that waits for its first task. */
async function waiting(options: Parameters<typeof create>[0] = {}) {
  const created = create(options);
  await created.world.start('film', 'x');
  await created.world.bench.advance(SECOND);
  expect(created.world.lock('x')).toMatchObject({ status: 'parked', step: 0 });
  return created;
}

const running = () => ecs.tasks.flatMap(({ desiredStatus }, index) => (desiredStatus === 'RUNNING' ? [index] : []));

test('stops a task that outlives the timeout of its state, and ignores its end', async () => {
  const { world, invoke } = await waiting();
  await world.bench.advance(HOUR - 10 * SECOND);
  expect(ecs.lists).toEqual([]);
  await world.bench.advance(20 * SECOND);
  expect(ecs.lists).toEqual([{ cluster: task.cluster, startedBy: ecs.requests[0]?.startedBy }]);
  expect(ecs.stops).toEqual([
    { cluster: task.cluster, task: ecs.tasks[0]?.taskArn, reason: expect.stringContaining('no longer waits') },
  ]);
  // The task of the next state keeps running, and no execution waits for the end of the first task.
  expect(running()).toEqual([1]);
  await invoke(ecs.stopped(0, 143));
  await world.bench.advance(HOUR);
  expect(world.lock('x')).toMatchObject({ status: 'parked', step: 1, state: 'archiving' });
  expect(running()).toEqual([1]);
  await invoke(ecs.stopped(1, 0));
  await world.bench.run();
  expect(await world.describe('x')).toMatchObject({ status: 'completed', state: 'done' });
});

test('leaves the tasks of other executions and steps running', async () => {
  const { world, cancel } = await waiting();
  await world.start('film', 'y');
  await world.bench.advance(SECOND);
  await cancel('y');
  await world.bench.advance(SECOND);
  expect(running()).toEqual([0]);
  await world.client((executions) => executions.send('x', 'dropped'));
  await world.bench.advance(SECOND);
  expect(running()).toEqual([2]);
});

test('stops a task when another event continues its execution', async () => {
  const { world } = await waiting();
  await world.client((executions) => executions.send('x', 'dropped'));
  await world.bench.advance(SECOND);
  expect(ecs.stops).toMatchObject([{ task: ecs.tasks[0]?.taskArn }]);
});

test('sends no request about a task that ends in time', async () => {
  const { world, invoke } = await waiting();
  await invoke(ecs.stopped(0, 0));
  await world.bench.run();
  await invoke(ecs.stopped(1, 0));
  await world.bench.advance(2 * HOUR);
  expect(world.lock('x')?.status).toBe('completed');
  expect(ecs.lists).toEqual([]);
});

test('lets a container that completes its token itself run to its end', async () => {
  const { world } = await waiting();
  await world.client((executions) => executions.complete(ecs.environment(0).FSM_CALLBACK_TOKEN!, 'partly'));
  await world.bench.advance(2 * HOUR);
  expect(world.lock('x')).toMatchObject({ step: 1, state: 'archiving' });
  expect(ecs.lists).toEqual([]);
});

test('stops the task of a canceled execution', async () => {
  const { world, cancel } = await waiting();
  await expect(cancel()).resolves.toBe('cancelled');
  expect(ecs.lists).toEqual([]);
  await world.bench.advance(SECOND);
  expect(ecs.stops).toMatchObject([{ task: ecs.tasks[0]?.taskArn }]);
  expect(running()).toEqual([]);
  expect(world.count('DeadLetter')).toBe(0);
});

test('stops a task that starts during the cancellation, once Amazon ECS lists it', async () => {
  const { world, cancel } = create({
    before: (_context, _run, { bench, clock }) => bench.activity.sleep(() => clock.sleep(5 * SECOND)),
  });
  await world.start('film', 'x');
  await world.bench.advance(2 * SECOND);
  await cancel();
  await world.bench.advance(2 * SECOND);
  expect(ecs.tasks).toEqual([]);
  await world.bench.advance(2 * SECOND);
  expect(running()).toEqual([0]);
  // The timer queries the retry table once a minute.
  await world.bench.advance(70 * SECOND);
  expect(running()).toEqual([]);
});

test('cancels even if no event source accepts the stop request, and can be repeated', async () => {
  const { world, cancel } = await waiting({
    world: { faults: [{ on: 'client.eventSources[0].send', fault: 'fail', effect: 'before', call: [2, 3] }] },
  });
  await expect(cancel()).resolves.toBe('cancelled');
  await expect(cancel()).resolves.toBe('cancelled');
  await world.bench.advance(SECOND);
  expect(running()).toEqual([0]);
  await cancel();
  await world.bench.advance(SECOND);
  expect(running()).toEqual([]);
});

test('continues even if a task cannot be stopped', async () => {
  const { world } = await waiting();
  ecs.refused = Infinity;
  await world.client((executions) => executions.send('x', 'dropped'));
  await world.bench.advance(SECOND);
  expect(world.lock('x')).toMatchObject({ status: 'parked', step: 1, state: 'archiving' });
  expect(
    world.log.filter((line) => line.startsWith('A task that no execution waits for was not stopped: ')),
  ).toHaveLength(1);
  expect(world.count('Error')).toBe(0);
});

test('looks again for the abandoned task when a step is retried', async () => {
  const { world } = await waiting({
    world: { faults: [{ on: 'actions.render', fault: 'crash', effect: 'after', call: 2 }] },
  });
  ecs.refused = 1;
  await world.client((executions) => executions.send('x', 'dropped'));
  await world.bench.advance(300 * SECOND);
  expect(world.lock('x')).toMatchObject({ status: 'parked', step: 1 });
  expect(running()).toEqual([1]);
});
