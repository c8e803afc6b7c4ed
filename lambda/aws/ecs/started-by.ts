import { createHash } from 'node:crypto';
import { STARTED_BY_SEPARATOR, type EcsTaskConfiguration } from '../../contract/ecs-tasks';
import type { ExecutionKey } from '../../engine/envelope/execution-key';

/** The `startedBy` of the task of a step. Amazon ECS finds the task by it, so its ARN need not be stored. */
export function startedByStep(
  { startedBy }: Pick<EcsTaskConfiguration, 'startedBy'>,
  { executionId, incarnation }: ExecutionKey,
  step: number,
): string {
  // Hashed, because an executionId may contain characters that Amazon ECS rejects.
  return `${startedBy}${STARTED_BY_SEPARATOR}${createHash('sha256').update(`${step}/${incarnation}/${executionId}`).digest('base64url')}`;
}

/** Whether a task was started for this action. */
export function isStartedBy({ startedBy }: Pick<EcsTaskConfiguration, 'startedBy'>, taskStartedBy = ''): boolean {
  return taskStartedBy.startsWith(startedBy + STARTED_BY_SEPARATOR);
}
