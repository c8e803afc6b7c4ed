import { ListTasksCommand, StopTaskCommand, type ECSClient } from '@aws-sdk/client-ecs';
import type { EcsTaskConfiguration } from './configuration';
import { startedByStep } from './started-by';

/** What whoever looks at the task is told. */
const REASON = 'The execution that has started it does not wait for it any more.';

/** The step that has started a task. */
export interface StepOfTask {
  readonly executionId: string;
  readonly step: number;
}

/**
 * Stops the task of a step. One that has stopped already, or was never started, is no error; one that was started a moment ago may not be
 * found yet.
 */
export async function stopTask(client: ECSClient, task: EcsTaskConfiguration, of: StepOfTask, abortSignal: AbortSignal): Promise<void> {
  const { cluster } = task;
  const startedBy = startedByStep(task, of.executionId, of.step);
  // Of those that are not to stop yet, which is what Amazon ECS lists by itself.
  const { taskArns = [] } = await client.send(new ListTasksCommand({ cluster, startedBy }), { abortSignal });
  await Promise.all(taskArns.map((arn) => client.send(new StopTaskCommand({ cluster, task: arn, reason: REASON }), { abortSignal })));
}
