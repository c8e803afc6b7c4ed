import { defineMachine } from 'cdk-lambda-fsm/machine';

/** Renders a film with a task in Amazon ECS. */
export const film = defineMachine({
  name: 'film',
  initial: 'rendering',
  states: {
    rendering: {
      do: 'render',
      on: { rendered: { target: 'done', action: 'note' }, broken: { target: 'failed', action: 'note' } },
    },
    done: { final: true },
    failed: { final: true },
  },
});
