import { defineMachine } from 'cdk-lambda-fsm/machine';

/** Everything that can go well or wrong with a secret in it. */
export const vault = defineMachine({
  name: 'vault',
  initial: 'choosing',
  backoff: { baseSeconds: 0.1, capSeconds: 0.2 },
  states: {
    choosing: { do: 'choose', on: { open: 'waiting', force: 'forcing', drill: 'drilling' } },
    // Nobody does anything here: it waits to be told.
    waiting: { on: { told: { target: 'turning', action: 'note' } } },
    turning: { do: 'turn', on: { turned: 'rendering' } },
    rendering: { do: 'render', on: { rendered: { target: 'opened', action: 'note' }, broken: { target: 'opened', action: 'note' } } },
    forcing: { do: 'fail', on: { opened: 'opened' }, maxRetries: 1, catch: { target: 'opened', action: 'note' } },
    drilling: { do: 'fail', on: { opened: 'opened' }, maxRetries: 1 },
    opened: { final: true },
  },
});
