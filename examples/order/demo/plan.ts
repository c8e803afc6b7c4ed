import type { LedgerEntry } from '../ledger';
import actions, { type OrderContext } from '../order.actions';
import { TestWorkflow } from 'cdk-lambda-fsm/testing';

/** The customer's answer to the request for payment. */
export interface Answer {
  readonly event: 'paid' | 'declined';
  /** What was paid, in cents. */
  readonly data?: number;
  /** `early`: before the order is even placed. `soon`: right after. `late`: when the order has waited for it. */
  readonly when: 'early' | 'soon' | 'late';
  /** Sent a second time, as a payment service does that has missed the first receipt. */
  readonly twice: boolean;
}

/** An order, what will happen to it from outside, and what it must come to. */
export interface PlannedOrder {
  readonly executionId: string;
  readonly context: OrderContext;
  /** Absent when the order ends before anybody is asked to pay. */
  readonly answer?: Answer;
  readonly expected: Expected;
}

export interface Expected {
  readonly state: string;
  readonly context: unknown;
  /** The actions that its steps are made of, in order. */
  readonly actions: readonly LedgerEntry['action'][];
}

/**
 * Makes up orders that between them take every turn of the machine. What each must come to is asked of the test kit, which runs the
 * same machine with the same actions in memory, where nothing gets lost.
 */
export async function planOrders(count: number): Promise<PlannedOrder[]> {
  const orders = Array.from({ length: count }, (_, number) => ({ executionId: `order-${number}`, context: contextOf(number), answer: answerTo(number) }));
  const kit = new TestWorkflow({ implementations: [actions] });
  for (const { executionId, context, answer } of orders) {
    const execution = await kit.start('order', { executionId, context: { ...context, history: [] } });
    if (answer) {
      await execution.send(answer.event, { data: answer.data });
    }
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
    // None of it is not an order, and ten are more than there are.
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
