import { defineMachine } from 'cdk-lambda-fsm/machine';

/** A machine with every kind of success and failure, and the secret in its data. */
export const vault = defineMachine({
  name: 'vault',
  initial: 'choosing',
  backoff: { baseSeconds: 0.1, capSeconds: 0.2 },
  states: {
    choosing: { do: 'choose', on: { open: 'waiting', force: 'forcing', drill: 'drilling' } },
    // Parks until an event arrives.
    waiting: { on: { told: { target: 'turning', action: 'note' } } },
    turning: { do: 'turn', on: { turned: 'rendering' } },
    rendering: {
      do: 'render',
      on: { rendered: { target: 'opened', action: 'note' }, broken: { target: 'opened', action: 'note' } },
    },
    forcing: { do: 'fail', on: { opened: 'opened' }, maxRetries: 1, catch: { target: 'opened', action: 'note' } },
    drilling: { do: 'fail', on: { opened: 'opened' }, maxRetries: 1 },
    opened: { final: true },
  },
});
