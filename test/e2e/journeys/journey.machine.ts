import { defineMachine } from 'cdk-lambda-fsm/machine';

/** A machine that uses everything that a workflow does with its transports. */
export const journey = defineMachine({
  name: 'journey',
  initial: 'departing',
  backoff: { baseSeconds: 0.5, capSeconds: 1 },
  states: {
    departing: { do: 'depart', on: { departed: 'changing' } },
    // Is retried once.
    changing: { do: 'change', on: { changed: 'resting', tired: 'dozing' }, maxRetries: 1 },
    // Waits for an external event.
    resting: { entry: 'rest', on: { called: { target: 'arriving', action: 'rise' } } },
    // Waits for its timeout.
    dozing: {
      entry: 'rest',
      timeout: { seconds: 2, event: 'rang' },
      on: { rang: { target: 'arriving', action: 'rise' } },
    },
    arriving: { do: 'arrive', on: { arrived: 'home' } },
    home: { final: true, entry: 'unpack' },
  },
});
