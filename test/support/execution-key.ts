import type { ExecutionKey } from '../../lambda/engine';

/** The incarnation of executions in tests that do not care about it. */
export const INCARNATION = 'first';

export function keyOf(executionId: string, incarnation: string = INCARNATION): ExecutionKey {
  return { executionId, incarnation };
}
