import { defineMachine } from 'cdk-lambda-fsm/machine';

/** The way of a parcel: it has every kind of action and transition, waits for an event, is retried, caught, and fails for good. */
export const parcel = defineMachine({
  name: 'parcel',
  initial: 'weighing',
  maxRetries: 0,
  backoff: { baseSeconds: 1, capSeconds: 1 },
  states: {
    weighing: {
      entry: 'receive',
      do: 'weigh',
      exit: 'label',
      on: { light: { target: 'sorting', local: true }, heavy: { target: 'inspecting', action: 'flag' } },
    },
    inspecting: { on: { approved: { target: 'sorting', action: 'sign' }, refused: 'returned' } },
    sorting: { do: 'sort', on: { sorted: { target: 'delivering', action: 'load' } } },
    delivering: { do: 'deliver', on: { delivered: 'delivered' }, maxRetries: 2, catch: { target: 'returned', action: 'apologize' } },
    delivered: { final: true },
    returned: { final: true },
  },
});
