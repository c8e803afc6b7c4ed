import { setTimeout as pause } from 'node:timers/promises';
import { record } from './ledger';
import { order } from './order.machine';
import { implement, type Run } from 'cdk-lambda-fsm/runtime';

/** What an order knows of itself. */
export interface OrderContext {
  readonly number: number;
  readonly quantity: number;
  /** In cents. */
  readonly price: number;
  readonly destination: string;
  total?: number;
  reserved?: number;
  paid?: number;
  parcel?: string;
  refunded?: number;
  problem?: string;
  /** All that has happened to it, in order. */
  history: string[];
}

/** Says so in the order itself, and independently of it in the ledger. */
function happened(context: OrderContext, run: Run, action: string): void {
  record(run, action);
  context.history.push(action);
}

/**
 * Every action may run twice: a step that fails half-way is run again from its beginning. So each does the same when it is repeated, by
 * what the context says; against a real shop it would hand `run.idempotencyKey` on.
 *
 * Some fail. Which ones is written in the order, so that it can be said beforehand how each order ends.
 */
export default implement.for<OrderContext>()(order, {
  openOrder: async (context, run) => happened(context, run, 'openOrder'),

  checkOrder: async (context, run) => {
    happened(context, run, 'checkOrder');
    // Real work takes its time, in which another invocation could interfere.
    await pause(20);
    context.total = context.quantity * context.price;
    return context.quantity > 0 ? 'sound' : 'unsound';
  },

  reserveStock: async (context, run) => {
    happened(context, run, 'reserveStock');
    if (context.quantity > 9) {
      return 'soldOut';
    }
    context.reserved = context.quantity;
    return 'reserved';
  },

  requestPayment: async (context, run) => happened(context, run, 'requestPayment'),
  closeRequest: async (context, run) => happened(context, run, 'closeRequest'),

  bookPayment: async (context, run) => {
    happened(context, run, 'bookPayment');
    await pause(20);
    context.paid = Number(run.data);
  },

  releaseStock: async (context, run) => {
    happened(context, run, 'releaseStock');
    context.reserved = 0;
  },

  pack: async (context, run) => {
    happened(context, run, 'pack');
    // The packing machine jams: once for every fourth order, twice for every eighth.
    if ((context.number % 4 === 0 && run.attempt === 0) || (context.number % 8 === 0 && run.attempt === 1)) {
      throw new Error('The packing machine is jammed.');
    }
    context.parcel = `parcel-${context.number}`;
    return 'packed';
  },

  ship: async (context, run) => {
    happened(context, run, 'ship');
    if (context.destination === 'Atlantis') {
      throw new Error('No carrier goes to Atlantis.');
    }
    return 'shipped';
  },

  noteProblem: async (context, run) => {
    happened(context, run, 'noteProblem');
    context.problem = run.error?.message;
  },

  refund: async (context, run) => {
    happened(context, run, 'refund');
    context.refunded = context.paid;
    return 'refunded';
  },

  closeOrder: async (context, run) => happened(context, run, 'closeOrder'),
});
