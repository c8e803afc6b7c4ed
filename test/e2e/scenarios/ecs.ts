import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { DescribeTasksCommand, ECSClient, ListTasksCommand, SubmitTaskStateChangeCommand, type Task } from '@aws-sdk/client-ecs';
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
    const contexts = { 'exit-0': { exitCode: 0 }, 'exit-3': { exitCode: 3 }, 'exit-undefined': {}, 'cancelled': {}, 'large': { recipe: 'x'.repeat(9_000) } };
    await client.startMany(Object.entries(contexts).map(([executionId, context]) => ({ machine: 'baking', executionId, context })));
  });

  const settled = async (executionId: string, status: ExecutionDescription['status']) => {
    const found = await eventually(async () => client.describe(executionId), (execution) => execution?.status === status);
    assert.ok(found);
    return found;
  };
  /** What a task was told about its execution. */
  const told = ({ overrides }: Task, name: string) => (
    overrides?.containerOverrides?.[0]?.environment?.find((variable) => variable.name === name)?.value
  );
  const described = async (taskArns: string[]): Promise<Task[]> => (
    (await ecs.send(new DescribeTasksCommand({ cluster: output('Cluster'), tasks: taskArns }))).tasks ?? []
  );
  const taskOf = async (executionId: string): Promise<Task> => {
    const { taskArns = [] } = await ecs.send(new ListTasksCommand({ cluster: output('Cluster') }));
    const own = (await described(taskArns)).filter((task) => told(task, 'FSM_EXECUTION_ID') === executionId);
    assert.equal(own.length, 1, `${own.length} tasks run for ${executionId}`);
    return own[0]!;
  };
  /** Reports, as the agent on the machine of the task does, that its container has ended as it was told, or was never started. */
  const stop = async ({ clusterArn, taskArn, ...task }: Task) => {
    const { exitCode } = JSON.parse(told(task, 'FSM_CONTEXT') ?? '') as { readonly exitCode?: number }; // The context of these executions.
    await ecs.send(new SubmitTaskStateChangeCommand({
      cluster: clusterArn,
      task: taskArn,
      status: 'STOPPED',
      reason: REASON,
      containers: [{ containerName: 'oven', exitCode, status: 'STOPPED' }],
    }));
  };

  for (const [how, exitCode, state] of [['succeeds', 0, 'served'], ['fails', 3, 'thrownAway'], ['never starts', undefined, 'thrownAway']] as const) {
    void test(`waits for a task that ${how}, and goes on with its end`, async () => {
      const executionId = `exit-${exitCode}`;
      assert.equal((await settled(executionId, 'parked')).state, 'baking');
      const task = await taskOf(executionId);
      await stop(task);
      const ended = await settled(executionId, 'completed');
      assert.equal(ended.state, state);
      assert.deepEqual(ended.context?.end, {
        taskArn: task.taskArn, stopCode: 'EssentialContainerExited', reason: REASON, ...exitCode !== undefined && { exitCode },
      });
      assert.deepEqual(ended.steps.map(({ committed, attempts }) => [committed?.outcome, attempts.length]), [
        ['dispatched', 1], ['parked', 1], ['completed', 1],
      ]);
    });
  }

  void test('stops the task of an execution that is cancelled', async () => {
    await settled('cancelled', 'parked');
    const { taskArn } = await taskOf('cancelled');
    await client.cancel('cancelled');
    const stopped = await eventually(async () => described([taskArn ?? '']), ([task]) => task?.lastStatus === 'STOPPED');
    assert.deepEqual(stopped.map(({ stopCode, stoppedReason }) => [stopCode, stoppedReason]), [
      ['UserInitiated', 'The execution that has started it does not wait for it any more.'],
    ]);
  });

  void test('tries again, and gives up, when a task would be told more than ECS takes', async () => {
    const { error } = await settled('large', 'failed');
    assert.deepEqual([error?.name, error?.attempts], ['TaskOverridesTooLargeError', 2]);
  });

  testAccess(() => [output('Role')]);
});
