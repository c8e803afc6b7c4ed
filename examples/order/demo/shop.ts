import { setTimeout as pause } from 'node:timers/promises';
import type { LedgerReader } from './ledger-reader';
import type { PlannedOrder } from './plan';
import { ExecutionEndedError, type ExecutionDescription, type WorkflowClient } from 'cdk-lambda-fsm/client';

/** Maximum number of orders in progress. */
const MAX_IN_PROGRESS = 100;
/** Maximum number of concurrent client calls. */
const MAX_CALLS = 10;
/** Time from the request for payment to a late answer, in milliseconds. */
const LATE_MS = 300;
/** Interval between two reads of the ledger, in milliseconds. */
const TICK_MS = 50;
/** Interval between two descriptions of an order, in milliseconds: after the ledger shows its last action, and before. */
const DESCRIBE_MS = { finished: 500, open: 5_000 };

/**
 * Plays the outside world: places orders, sends the customers' answers, and describes the orders. The requests of its client fail like
 * those of the workflow, and are repeated, so each of them may take effect twice.
 */
export class Shop {
  /** The orders that have ended, as the journal describes them. */
  public readonly descriptions = new Map<string, ExecutionDescription>();
  /** When each order was placed: milliseconds since the epoch. */
  public readonly placedAt = new Map<string, number>();
  private readonly byId: ReadonlyMap<string, PlannedOrder>;
  private readonly finished = new Set<string>();
  private readonly answered = new Set<string>();
  private readonly answers: Promise<void>[] = [];
  private quota = 0;

  constructor(
    private readonly client: WorkflowClient,
    private readonly orders: readonly PlannedOrder[],
    private readonly ledger: LedgerReader,
  ) {
    this.byId = new Map(orders.map((order) => [order.executionId, order]));
  }

  /** Number of orders placed. */
  public get placed(): number {
    return this.placedAt.size;
  }

  /** Number of orders that have run their last action, by the ledger. */
  public get ended(): number {
    return this.finished.size;
  }

  /** Allows this total number of orders to be placed. */
  public admit(count: number): void {
    this.quota = Math.min(this.orders.length, count);
  }

  /** Places orders as the quota and the orders in progress allow, and sends the answers, until the signal is aborted. */
  public async open(signal: AbortSignal): Promise<void> {
    await Promise.all([this.placeOrders(signal), this.followLedger(signal)]);
    await Promise.all(this.answers);
  }

  /** Describes the orders as they end, until all have ended or the signal is aborted. */
  public async audit(signal: AbortSignal): Promise<void> {
    const describedAt = new Map<string, number>();
    const began = Date.now();
    while (this.descriptions.size < this.orders.length && !signal.aborted) {
      const due = this.orders.filter(({ executionId: id }) => {
        if (this.descriptions.has(id)) return false;
        const interval = this.finished.has(id) ? DESCRIBE_MS.finished : DESCRIBE_MS.open;
        return Date.now() >= (describedAt.get(id) ?? (this.finished.has(id) ? 0 : began)) + interval;
      });
      await concurrently(due, async ({ executionId }) => {
        const description = await this.describe(executionId);
        describedAt.set(executionId, Date.now());
        if (description && hasEnded(description)) this.descriptions.set(executionId, description);
      });
      await pause(TICK_MS);
    }
  }

  /** Describes the orders that have not ended, which are lost. */
  public async describeOpen(): Promise<void> {
    const open = this.orders.filter(({ executionId }) => !this.descriptions.has(executionId));
    await concurrently(open, async ({ executionId }) => {
      const description = await this.describe(executionId);
      if (description) this.descriptions.set(executionId, description);
    });
  }

  private describe(executionId: string): Promise<ExecutionDescription | undefined> {
    return persistently(() => this.client.describe(executionId));
  }

  private async placeOrders(signal: AbortSignal): Promise<void> {
    while (this.placed < this.orders.length && !signal.aborted) {
      const room = Math.min(this.quota, this.ended + MAX_IN_PROGRESS) - this.placed;
      if (room > 0) await this.place(this.orders.slice(this.placed, this.placed + room));
      else await pause(TICK_MS);
    }
  }

  private async place(orders: readonly PlannedOrder[]): Promise<void> {
    await concurrently(
      orders.filter(({ answer }) => answer?.when === 'early'),
      (order) => this.answer(order),
    );
    const now = Date.now();
    for (let missing = orders; missing.length > 0;) {
      const results = await this.client.startMany(
        missing.map(({ executionId, context }) => ({ machine: 'order', executionId, context: { ...context } })),
      );
      const started = new Set(results.flatMap((result) => (result.outcome === 'failed' ? [] : [result.executionId])));
      missing = missing.filter(({ executionId }) => !started.has(executionId));
    }
    for (const { executionId } of orders) this.placedAt.set(executionId, now);
    const soon = orders.filter(({ answer }) => answer?.when === 'soon');
    this.answers.push(concurrently(soon, (order) => this.answer(order)));
  }

  private async followLedger(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const { executionId, action } of this.ledger.update()) {
        const order = this.byId.get(executionId);
        if (!order) continue;
        if (action === order.expected.actions.at(-1)) this.finished.add(executionId);
        if (action === 'requestPayment' && order.answer?.when === 'late' && !this.answered.has(executionId)) {
          this.answered.add(executionId);
          this.answers.push(pause(LATE_MS).then(() => this.answer(order)));
        }
      }
      await pause(TICK_MS);
    }
  }

  private async answer({ executionId, answer }: PlannedOrder): Promise<void> {
    if (!answer) return;
    const { event, data, twice } = answer;
    for (let time = 0; time < (twice ? 2 : 1); time++) {
      await persistently(() => this.client.send(executionId, event, { id: 'answer', data }));
    }
  }
}

function hasEnded({ status }: ExecutionDescription): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** Repeats a call until it succeeds. The end of the execution counts as success. */
async function persistently<T>(call: () => Promise<T>): Promise<T | undefined> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (error instanceof ExecutionEndedError) return undefined;
      await pause(100);
    }
  }
}

async function concurrently<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const remaining = [...items];
  await Promise.all(
    Array.from({ length: MAX_CALLS }, async () => {
      for (let item = remaining.shift(); item !== undefined; item = remaining.shift()) await work(item);
    }),
  );
}
