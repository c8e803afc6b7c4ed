import { defineMachine } from 'cdk-lambda-fsm/machine';

export const parcel = defineMachine({
  name: 'parcel',
  initial: 'weighing',
  states: {
    weighing: { do: 'weigh', on: { weighed: 'sorting' } },
    sorting: { do: 'sort', on: { home: 'delivering', abroad: 'customs' } },
    customs: { on: { released: 'delivering' } },
    delivering: { do: 'deliver', maxRetries: 2, on: { delivered: 'done' } },
    done: { final: true },
  },
});
