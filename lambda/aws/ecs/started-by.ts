import { createHash } from 'node:crypto';
import type { EcsTaskConfiguration } from './configuration';

/** Of a task of a step: by it Amazon ECS finds the task, so nobody has to remember its ARN. */
export function startedByStep({ startedBy }: Pick<EcsTaskConfiguration, 'startedBy'>, executionId: string, step: number): string {
  // An executionId may have characters that Amazon ECS does not take here.
  return `${startedBy}/${createHash('sha256').update(`${step}/${executionId}`).digest('base64url')}`;
}

/** Whether a task is one of these. */
export function isStartedBy({ startedBy }: Pick<EcsTaskConfiguration, 'startedBy'>, taskStartedBy = ''): boolean {
  return taskStartedBy.startsWith(`${startedBy}/`);
}
