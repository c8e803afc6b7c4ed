import type { LedgerEntry } from '../ledger';
import actions, { type OrderContext } from '../order.actions';
import { TestWorkflow } from 'cdk-lambda-fsm/testing';

/** The customer's answer to the request for payment. */
export interface Answer {
  readonly event: 'paid' | 'declined';
  /** The amount paid, in cents. */
  readonly data?: number;
  /** `early`: before the order is placed. `soon`: right after. `late`: after the order has requested the payment. */
  readonly when: 'early' | 'soon' | 'late';
  /** The answer is sent a second time, as a payment service does when it misses the receipt. */
  readonly twice: boolean;
}

/** An order, the events it receives, and its expected outcome. */
export interface PlannedOrder {
  readonly executionId: string;
  readonly context: OrderContext;
  /** Absent if the order ends before it requests a payment. */
  readonly answer?: Answer;
  readonly expected: Expected;
}

export interface Expected {
  readonly state: string;
  readonly context: unknown;
  /** The actions of the committed attempts, in order. */
  readonly actions: readonly LedgerEntry['action'][];
}

/** The test kit examines all its executions for each description, so small batches are faster. */
const BATCH = 20;

/**
 * Plans orders that together take every transition of the machine. The test kit runs the same machine and actions in memory, without
 * faults, to find the expected outcome of each order.
 */
export async function planOrders(count: number): Promise<PlannedOrder[]> {
  const planned: PlannedOrder[] = [];
  for (let first = 0; first < count; first += BATCH) {
    planned.push(...(await planBatch(first, Math.min(BATCH, count - first))));
  }
  return planned;
}

async function planBatch(first: number, count: number): Promise<PlannedOrder[]> {
  const orders = Array.from({ length: count }, (_, index) => ({
    executionId: `order-${first + index}`,
    context: contextOf(first + index),
    answer: answerTo(first + index),
  }));
  const kit = new TestWorkflow({ implementations: [actions] });
  for (const { executionId, context, answer } of orders) {
    const execution = await kit.start('order', { executionId, context: { ...context, history: [] } });
    if (answer) await execution.send(answer.event, { data: answer.data });
  }
  await kit.run();
  return orders.map((order) => {
    const { state, context, steps } = kit.execution(order.executionId);
    const committed = steps.flatMap(({ attempts }) => attempts.at(-1)?.actions ?? []);
    return { ...order, expected: { state: state ?? '', context, actions: committed.map(({ name }) => name) } };
  });
}

function contextOf(number: number): OrderContext {
  return {
    number,
    // An order for nothing is rejected, and an order for ten exceeds the stock.
    quantity: number % 11,
    price: 250 + number,
    destination: number % 13 === 5 ? 'Atlantis' : 'Rome',
    history: [],
  };
}

function answerTo(number: number): Answer | undefined {
  const { quantity, price } = contextOf(number);
  if (quantity === 0 || quantity > 9) {
    return undefined;
  }
  const declined = number % 9 === 4;
  return {
    event: declined ? 'declined' : 'paid',
    data: declined ? undefined : quantity * price,
    when: (['early', 'soon', 'late'] as const)[number % 3] ?? 'soon',
    twice: number % 4 === 1,
  };
}
