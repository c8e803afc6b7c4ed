import { baking } from './baking.machine';
import { implement } from 'cdk-lambda-fsm/runtime';

export interface BakingContext {
  /** Exit code of the container. If undefined, the container never starts. */
  readonly exitCode?: number;
  end?: unknown;
}

export default implement.for<BakingContext>()(baking, {
  mix: async () => 'mixed',
  // An Amazon ECS task does the work.
  bake: async () => undefined,
  note: async (context, run) => {
    context.end = run.data;
  },
});
