import { defineMachine } from 'cdk-lambda-fsm/machine';

/** A machine that makes use of everything that a workflow can do with its transports. */
export const journey = defineMachine({
  name: 'journey',
  initial: 'departing',
  backoff: { baseSeconds: 0.5, capSeconds: 1 },
  states: {
    departing: { do: 'depart', on: { departed: 'changing' } },
    // Is tried again once.
    changing: { do: 'change', on: { changed: 'resting', tired: 'dozing' }, maxRetries: 1 },
    // Waits for an event from outside.
    resting: { entry: 'rest', on: { called: { target: 'arriving', action: 'rise' } } },
    // Waits for the alarm clock.
    dozing: { entry: 'rest', timeout: { seconds: 2, event: 'rang' }, on: { rang: { target: 'arriving', action: 'rise' } } },
    arriving: { do: 'arrive', on: { arrived: 'home' } },
    home: { final: true, entry: 'unpack' },
  },
});
