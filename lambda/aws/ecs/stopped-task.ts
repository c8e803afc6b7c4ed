import type { EcsTasks } from './configuration';
import { isStartedBy } from './started-by';
import type { JsonObject } from '../../machine';

/** What the end of a task comes to: the event of the machine, and the token by which it is sent. */
export interface StoppedTask {
  readonly token: string;
  readonly event: string;
  /** For `run.data`: `taskArn`, and where they are known `exitCode`, `stopCode` and `reason`. */
  readonly data: JsonObject;
}

/** That part of a task state change event that is read here. */
interface TaskDetail {
  readonly taskArn?: string;
  readonly lastStatus?: string;
  readonly startedBy?: string;
  readonly stopCode?: string;
  readonly stoppedReason?: string;
  readonly containers?: readonly { readonly name?: string; readonly exitCode?: number; readonly reason?: string }[];
  readonly overrides?: { readonly containerOverrides?: readonly ContainerOverride[] };
}

interface ContainerOverride {
  readonly environment?: readonly { readonly name?: string; readonly value?: string }[];
}

/** Whether EventBridge has sent it for the change of a task. */
export function isTaskStateChange(event: unknown): event is { readonly detail: TaskDetail } {
  return isObject(event) && event.source === 'aws.ecs' && event['detail-type'] === 'ECS Task State Change' && isObject(event.detail);
}

/**
 * What follows from an "ECS Task State Change". The task's environment comes back with it, so nobody has to remember which task works for
 * which execution. A container that was never started has no exit code, and has failed.
 *
 * @returns nothing when the task has not stopped, or is none of these
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
 */
export function stoppedTask({ detail }: { readonly detail: TaskDetail }, tasks: EcsTasks): StoppedTask | undefined {
  const task = Object.values(tasks).find((candidate) => isStartedBy(candidate, detail.startedBy));
  const variables = detail.overrides?.containerOverrides?.flatMap(({ environment = [] }) => environment) ?? [];
  const token = variables.find(({ name }) => name === 'FSM_CALLBACK_TOKEN')?.value;
  if (!task || token === undefined || detail.lastStatus !== 'STOPPED') return undefined;
  const { exitCode, reason } = detail.containers?.find(({ name }) => name === task.container) ?? {};
  return {
    token,
    event: exitCode === 0 ? task.onSuccess : task.onFailure,
    data: { taskArn: detail.taskArn, exitCode, stopCode: detail.stopCode, reason: reason ?? detail.stoppedReason },
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
