import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import {
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  SubmitTaskStateChangeCommand,
  type Task,
} from '@aws-sdk/client-ecs';
import { committedAttempt } from '../../support/committed';
import { testAccess } from '../access';
import { ROOT } from '../emulator';
import { eventually, scenario } from '../scenario';
import { WorkflowClient, type ExecutionDescription } from 'cdk-lambda-fsm/client';

const REASON = 'Essential container in task exited';

scenario('Tasks on ECS', { file: 'test/e2e/tasks/app.ts', stack: 'Tasks' }, (output) => {
  const ecs = new ECSClient({ credentials: ROOT });
  let client: WorkflowClient;
  before(async () => {
    client = new WorkflowClient(output('ClientConfiguration'));
    const contexts = {
      'exit-0': { exitCode: 0 },
      'exit-3': { exitCode: 3 },
      'exit-undefined': {},
      cancelled: {},
      large: { recipe: 'x'.repeat(9_000) },
    };
    await client.startMany(
      Object.entries(contexts).map(([executionId, context]) => ({ machine: 'baking', executionId, context })),
    );
  });

  const settled = async (executionId: string, status: ExecutionDescription['status']) => {
    const found = await eventually(
      async () => client.describe(executionId),
      (execution) => execution?.status === status,
    );
    assert.ok(found);
    return found;
  };
  /** Returns a variable of the task's environment. */
  const variableOf = ({ overrides }: Task, name: string) =>
    overrides?.containerOverrides?.[0]?.environment?.find((variable) => variable.name === name)?.value;
  const described = async (taskArns: string[]): Promise<Task[]> =>
    (await ecs.send(new DescribeTasksCommand({ cluster: output('Cluster'), tasks: taskArns }))).tasks ?? [];
  const taskOf = async (executionId: string): Promise<Task> => {
    const { taskArns = [] } = await ecs.send(new ListTasksCommand({ cluster: output('Cluster') }));
    const own = (await described(taskArns)).filter((task) => variableOf(task, 'FSM_EXECUTION_ID') === executionId);
    assert.equal(own.length, 1, `${own.length} tasks run for ${executionId}`);
    return own[0]!;
  };
  /** Reports that the task's container has exited with the code in its context, or never started, as the ECS agent does. */
  const stop = async ({ clusterArn, taskArn, ...task }: Task) => {
    const { exitCode } = JSON.parse(variableOf(task, 'FSM_CONTEXT') ?? '') as { readonly exitCode?: number }; // The test sets this context.
    await ecs.send(
      new SubmitTaskStateChangeCommand({
        cluster: clusterArn,
        task: taskArn,
        status: 'STOPPED',
        reason: REASON,
        containers: [{ containerName: 'oven', exitCode, status: 'STOPPED' }],
      }),
    );
  };

  for (const [how, exitCode, state] of [
    ['succeeds', 0, 'served'],
    ['fails', 3, 'thrownAway'],
    ['never starts', undefined, 'thrownAway'],
  ] as const) {
    void test(`waits for a task that ${how}, and then continues`, async () => {
      const executionId = `exit-${exitCode}`;
      assert.equal((await settled(executionId, 'parked')).state, 'baking');
      const task = await taskOf(executionId);
      await stop(task);
      const ended = await settled(executionId, 'completed');
      assert.equal(ended.state, state);
      assert.deepEqual(ended.context?.end, {
        taskArn: task.taskArn,
        stopCode: 'EssentialContainerExited',
        reason: REASON,
        ...(exitCode !== undefined && { exitCode }),
      });
      assert.deepEqual(
        ended.steps.map((step) => [committedAttempt(step)?.outcome, step.attempts.length]),
        [
          ['dispatched', 1],
          ['parked', 1],
          ['completed', 1],
        ],
      );
    });
  }

  void test('stops the task of a canceled execution', async () => {
    await settled('cancelled', 'parked');
    const { taskArn } = await taskOf('cancelled');
    await client.cancel('cancelled');
    const stopped = await eventually(
      async () => described([taskArn ?? '']),
      ([task]) => task?.lastStatus === 'STOPPED',
    );
    assert.deepEqual(
      stopped.map(({ stopCode, stoppedReason }) => [stopCode, stoppedReason]),
      [['UserInitiated', 'The execution that started the task no longer waits for it.']],
    );
  });

  void test('retries, and then fails, if the overrides of a task exceed the limit of ECS', async () => {
    const { error } = await settled('large', 'failed');
    assert.deepEqual([error?.name, error?.attempts], ['TaskOverridesTooLargeError', 2]);
  });

  testAccess(() => [output('Role')]);
});
