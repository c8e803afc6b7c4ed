import { ListTasksCommand, StopTaskCommand, type ECSClient } from '@aws-sdk/client-ecs';
import { startedByStep } from './started-by';
import type { EcsTaskConfiguration } from '../../contract/ecs-tasks';
import type { ExecutionKey } from '../../engine/envelope/execution-key';

/** The reason that Amazon ECS shows for the stopped task. */
const REASON = 'The execution that started the task no longer waits for it.';

/** The step that started a task. */
export interface StepOfTask extends ExecutionKey {
  readonly step: number;
}

/**
 * Stops the task of a step. Does nothing if the task has stopped already or was never started. A task that was started a moment ago may not
 * be found yet.
 */
export async function stopTask(
  client: ECSClient,
  task: EcsTaskConfiguration,
  of: StepOfTask,
  abortSignal: AbortSignal,
): Promise<void> {
  const { cluster } = task;
  const startedBy = startedByStep(task, of, of.step);
  // By default, Amazon ECS lists the tasks whose desired status is RUNNING.
  const { taskArns = [] } = await client.send(new ListTasksCommand({ cluster, startedBy }), { abortSignal });
  await Promise.all(
    taskArns.map((arn) => client.send(new StopTaskCommand({ cluster, task: arn, reason: REASON }), { abortSignal })),
  );
}
