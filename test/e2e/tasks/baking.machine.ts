import { defineMachine } from 'cdk-lambda-fsm/machine';

/** A machine whose state `baking` waits for a container. */
export const baking = defineMachine({
  name: 'baking',
  initial: 'mixing',
  maxRetries: 1,
  states: {
    mixing: { do: 'mix', on: { mixed: 'baking' } },
    baking: { do: 'bake', on: { done: 'served', burnt: 'thrownAway' } },
    served: { final: true, entry: 'note' },
    thrownAway: { final: true, entry: 'note' },
  },
});
