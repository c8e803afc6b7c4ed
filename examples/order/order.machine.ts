import { defineMachine } from 'cdk-lambda-fsm/machine';

/** An order from checkout to delivery, including payment, cancellation and refund. */
export const order = defineMachine({
  name: 'order',
  initial: 'checking',
  backoff: { baseSeconds: 0.5, capSeconds: 2 },
  states: {
    // The transition to `reserving` is local: it runs in the same invocation, without a message.
    checking: {
      entry: 'openOrder',
      do: 'checkOrder',
      on: { sound: { target: 'reserving', local: true }, unsound: 'rejected' },
    },
    reserving: { do: 'reserveStock', on: { reserved: 'awaitingPayment', soldOut: 'cancelled' } },
    // Without a `do` action, the order parks here until the customer pays or declines.
    awaitingPayment: {
      entry: 'requestPayment',
      exit: 'closeRequest',
      on: {
        paid: { target: 'packing', action: 'bookPayment' },
        declined: { target: 'cancelled', action: 'releaseStock' },
      },
    },
    packing: { do: 'pack', on: { packed: 'shipping' } },
    shipping: {
      do: 'ship',
      on: { shipped: 'delivered' },
      maxRetries: 3,
      catch: { target: 'refunding', action: 'noteProblem' },
    },
    refunding: { do: 'refund', on: { refunded: 'cancelled' } },
    delivered: { final: true, entry: 'closeOrder' },
    cancelled: { final: true, entry: 'closeOrder' },
    rejected: { final: true },
  },
});
