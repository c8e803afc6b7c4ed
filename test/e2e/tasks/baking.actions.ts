import { baking } from './baking.machine';
import { implement } from 'cdk-lambda-fsm/runtime';

export interface BakingContext {
  /** With which the container ends; without one it is never started. */
  readonly exitCode?: number;
  end?: unknown;
}

export default implement.for<BakingContext>()(baking, {
  mix: async () => 'mixed',
  // A task on Amazon ECS does the work.
  bake: async () => undefined,
  note: async (context, run) => { context.end = run.data; },
});
