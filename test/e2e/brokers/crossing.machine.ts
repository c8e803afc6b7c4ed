import { defineMachine } from 'cdk-lambda-fsm/machine';

/** A machine that is always on its way: between two steps, before a retry, or in front of a timeout. */
export const crossing = defineMachine({
  name: 'crossing',
  initial: 'boarding',
  backoff: { baseSeconds: 2, capSeconds: 4 },
  states: {
    boarding: { do: 'board', on: { boarded: 'leaving' } },
    // Is retried once, so the retry queue carries each execution.
    leaving: { do: 'leave', on: { left: 'sailing' }, maxRetries: 2 },
    // Ends by its timeout, which waits in the retry queue meanwhile.
    sailing: { timeout: { seconds: 20, event: 'arrived' }, on: { arrived: 'landing' } },
    landing: { do: 'land', on: { landed: 'ashore' } },
    ashore: { final: true },
  },
});
