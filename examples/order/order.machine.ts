import { defineMachine } from 'cdk-lambda-fsm/machine';

/** From the shopping cart to the doorstep, with every turn that an order can take. */
export const order = defineMachine({
  name: 'order',
  initial: 'checking',
  backoff: { baseSeconds: 0.5, capSeconds: 4 },
  states: {
    // Local: a sound order is on its way to the stock in the same invocation.
    checking: { entry: 'openOrder', do: 'checkOrder', on: { sound: { target: 'reserving', local: true }, unsound: 'rejected' } },
    reserving: { do: 'reserveStock', on: { reserved: 'awaitingPayment', soldOut: 'cancelled' } },
    // No do action: the order waits here until the customer has paid, or has thought better of it.
    awaitingPayment: {
      entry: 'requestPayment',
      exit: 'closeRequest',
      on: { paid: { target: 'packing', action: 'bookPayment' }, declined: { target: 'cancelled', action: 'releaseStock' } },
    },
    packing: { do: 'pack', on: { packed: 'shipping' } },
    shipping: { do: 'ship', on: { shipped: 'delivered' }, maxRetries: 3, catch: { target: 'refunding', action: 'noteProblem' } },
    refunding: { do: 'refund', on: { refunded: 'cancelled' } },
    delivered: { final: true, entry: 'closeOrder' },
    cancelled: { final: true, entry: 'closeOrder' },
    rejected: { final: true },
  },
});
