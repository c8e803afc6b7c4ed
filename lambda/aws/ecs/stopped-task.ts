import { isStartedBy } from './started-by';
import type { EcsTasks } from '../../contract/ecs-tasks';
import { TASK_VARIABLES } from '../../contract/environment';
import { TASK_STATE_CHANGE, TASK_STOPPED, type TaskStateChangeEvent } from '../../contract/events';
import type { JsonObject } from '../../machine';
import { isObject } from '../../machine/is-object';

/** The event that the end of a task sends to its execution, and the callback token that it is sent with. */
export interface StoppedTask {
  readonly token: string;
  readonly event: string;
  /** The value of `run.data`: `taskArn`, and `exitCode`, `stopCode` and `reason` if they are known. */
  readonly data: JsonObject;
}

/** Whether an event reports a status change of an Amazon ECS task. */
export function isTaskStateChange(event: unknown): event is TaskStateChangeEvent {
  return (
    isObject(event) &&
    event.source === TASK_STATE_CHANGE.source &&
    event['detail-type'] === TASK_STATE_CHANGE.detailType &&
    isObject(event.detail)
  );
}

/**
 * Reads the end of a task. The event contains the task's environment and with it the callback token, so the workflow need not store which
 * task belongs to which execution. A container without an exit code never started, which counts as a failure.
 *
 * @returns nothing if the task has not stopped or does not belong to the workflow
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
 */
export function stoppedTask(
  { detail }: Pick<TaskStateChangeEvent, 'detail'>,
  tasks: EcsTasks,
): StoppedTask | undefined {
  const task = Object.values(tasks).find((candidate) => isStartedBy(candidate, detail.startedBy));
  const variables = detail.overrides?.containerOverrides?.flatMap(({ environment = [] }) => environment) ?? [];
  const token = variables.find(({ name }) => name === TASK_VARIABLES.callbackToken)?.value;
  if (!task || token === undefined || detail.lastStatus !== TASK_STOPPED) return undefined;
  const { exitCode, reason } = detail.containers?.find(({ name }) => name === task.container) ?? {};
  return {
    token,
    event: exitCode === 0 ? task.onSuccess : task.onFailure,
    data: { taskArn: detail.taskArn, exitCode, stopCode: detail.stopCode, reason: reason ?? detail.stoppedReason },
  };
}
