import { defineMachine } from 'cdk-lambda-fsm/machine';

/** A film is rendered by a task on Amazon ECS. */
export const film = defineMachine({
  name: 'film',
  initial: 'rendering',
  states: {
    rendering: { do: 'render', on: { rendered: { target: 'done', action: 'note' }, broken: { target: 'failed', action: 'note' } } },
    done: { final: true },
    failed: { final: true },
  },
});
