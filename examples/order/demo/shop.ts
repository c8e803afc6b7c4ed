import { setTimeout as pause } from 'node:timers/promises';
import type { Answer, PlannedOrder } from './plan';
import { ExecutionEndedError, type ExecutionDescription, type WorkflowClient } from 'cdk-lambda-fsm/client';

/** How often the orders that have not ended are looked at, and how often it is asked whether all can have ended. In milliseconds. */
const LOOK = 5_000;
const TICK = 250;
/** How many requests are under way at the same time. */
const AT_ONCE = 20;

/**
 * What goes on outside the workflow: orders are placed, customers answer, and somebody looks at how they come along. All of it by the
 * client, whose requests fail like any others and are repeated: every one of them may be sent twice.
 */
export class Shop {
  /** How the orders stood when they were last looked at. */
  public readonly descriptions = new Map<string, ExecutionDescription>();
  private readonly answered = new Set<string>();

  private endedBefore: number | undefined;

  /** @param completed how many orders have ended since the start, by the metrics of the workflow */
  constructor(
    private readonly client: WorkflowClient,
    private readonly orders: readonly PlannedOrder[],
    private readonly completed: () => number,
  ) {}

  /** How many orders have ended: those of a run before this one, and by the metrics those of this one. */
  public get ended(): number {
    return Math.min(this.orders.length, (this.endedBefore ?? 0) + this.completed());
  }

  private get open(): readonly PlannedOrder[] {
    return this.orders.filter(({ executionId }) => !['completed', 'failed', 'cancelled'].includes(this.descriptions.get(executionId)?.status ?? ''));
  }

  /** Places the orders and gives the answers that do not wait for anything. */
  public async placeOrders(): Promise<void> {
    await this.answer('early');
    for (let missing = this.orders; missing.length > 0; ) {
      const results = await this.client.startMany(missing.map(({ executionId, context }) => ({ machine: 'order', executionId, context: { ...context } })));
      const started = new Set(results.flatMap((result) => result.started ? [result.executionId] : []));
      missing = missing.filter(({ executionId }) => !started.has(executionId));
    }
    await this.answer('soon');
  }

  /** Looks at the open orders again and again, and gives late answers, until all have ended or the time is over. */
  public async attend(deadline: number): Promise<void> {
    while (this.open.length > 0 && Date.now() < deadline) {
      await each(this.open, async ({ executionId }) => {
        const description = await persistently(() => this.client.describe(executionId));
        if (description) {
          this.descriptions.set(executionId, description);
        }
      });
      this.endedBefore ??= this.orders.length - this.open.length;
      await this.answer('late', (executionId) => this.descriptions.get(executionId)?.status === 'parked');
      const next = Date.now() + LOOK;
      do {
        await pause(TICK);
      } while (this.ended < this.orders.length && Date.now() < next);
    }
  }

  private async answer(when: Answer['when'], isDue: (executionId: string) => boolean = () => true): Promise<void> {
    const due = this.orders.filter(({ executionId, answer }) =>
      answer?.when === when && isDue(executionId) && !this.answered.has(executionId));
    await each(due, async ({ executionId, answer }) => {
      if (answer) {
        const { event, data, twice } = answer;
        for (let time = 0; time < (twice ? 2 : 1); time++) {
          await persistently(() => this.client.send(executionId, event, { id: 'answer', data }));
        }
        this.answered.add(executionId);
      }
    });
  }
}

/** Repeats a call until it succeeds. That an execution has ended is an answer, too. */
async function persistently<T>(call: () => Promise<T>): Promise<T | undefined> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (error instanceof ExecutionEndedError) {
        return undefined;
      }
      await pause(100);
    }
  }
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const remaining = [...items];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let item = remaining.shift(); item !== undefined; item = remaining.shift()) {
      await work(item);
    }
  }));
}
