import { setTimeout as pause } from 'node:timers/promises';
import { record } from './ledger';
import { order } from './order.machine';
import { implement, type Run } from 'cdk-lambda-fsm/runtime';

/** The data of an order. */
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
  /** The actions that have run, in order. */
  history: string[];
}

/** Records an action in the order's context and, independently of the workflow engine, in the ledger. */
function note(context: OrderContext, run: Run, action: string): void {
  record(run, action);
  context.history.push(action);
}

/**
 * A step that fails is retried from its beginning, so every action is idempotent: it depends on the context alone. Against a real shop,
 * it would pass `run.idempotencyKey` on.
 *
 * Some actions fail. The order's data decides which ones, so the outcome of each order is known in advance.
 */
export default implement.for<OrderContext>()(order, {
  openOrder: async (context, run) => note(context, run, 'openOrder'),

  checkOrder: async (context, run) => {
    note(context, run, 'checkOrder');
    // Real work takes time, during which another invocation could interfere.
    await pause(20);
    context.total = context.quantity * context.price;
    return context.quantity > 0 ? 'sound' : 'unsound';
  },

  reserveStock: async (context, run) => {
    note(context, run, 'reserveStock');
    if (context.quantity > 9) {
      return 'soldOut';
    }
    context.reserved = context.quantity;
    return 'reserved';
  },

  requestPayment: async (context, run) => note(context, run, 'requestPayment'),
  closeRequest: async (context, run) => note(context, run, 'closeRequest'),

  bookPayment: async (context, run) => {
    note(context, run, 'bookPayment');
    await pause(20);
    context.paid = Number(run.data);
  },

  releaseStock: async (context, run) => {
    note(context, run, 'releaseStock');
    context.reserved = 0;
  },

  pack: async (context, run) => {
    note(context, run, 'pack');
    // The packing machine jams once for every fourth order, and twice for every eighth.
    if ((context.number % 4 === 0 && run.attempt === 0) || (context.number % 8 === 0 && run.attempt === 1)) {
      throw new Error('The packing machine is jammed.');
    }
    context.parcel = `parcel-${context.number}`;
    return 'packed';
  },

  ship: async (context, run) => {
    note(context, run, 'ship');
    if (context.destination === 'Atlantis') {
      throw new Error('No carrier goes to Atlantis.');
    }
    return 'shipped';
  },

  noteProblem: async (context, run) => {
    note(context, run, 'noteProblem');
    context.problem = run.error?.message;
  },

  refund: async (context, run) => {
    note(context, run, 'refund');
    context.refunded = context.paid;
    return 'refunded';
  },

  closeOrder: async (context, run) => note(context, run, 'closeOrder'),
});
