import { defineMachine, implement, type Json } from '../../../lambda/machine';
import { TestWorkflow } from '../../../lambda/testing';
import { WorkflowClient } from 'cdk-lambda-fsm/client';

interface Order {
  readonly sku: string;
  paid?: number;
}

const order = defineMachine.for<{ context: Order; events: { paid: { cents: number }; noted: string | undefined } }>()({
  name: 'order',
  initial: 'waiting',
  states: {
    waiting: { on: { paid: { target: 'shipping', action: 'book' }, noted: 'waiting', declined: 'cancelled' } },
    shipping: { entry: 'label', do: 'ship', on: { delivered: 'done' } },
    done: { final: true },
    cancelled: { final: true },
  },
});

const refund = defineMachine({
  name: 'refund',
  initial: 'deciding',
  states: { deciding: { on: { approved: 'done', paid: 'done' } }, done: { final: true } },
});

const orders = implement(order, {
  book: (context, run) => {
    context.paid = run.data.cents;
  },
  label: () => undefined,
  ship: async () => 'delivered',
});

/** Takes code that the compiler checks and that never runs. */
function compiled(_examples: () => unknown): void {}

declare const client: WorkflowClient<typeof order | typeof refund>;

describe('a client that knows its machines', () => {
  test('types machine and context of a start', () => {
    compiled(async () => {
      await client.start({ machine: 'order', executionId: 'o', context: { sku: 'tea' } });
      await client.start({ machine: 'refund' });
      await client.startMany([{ machine: 'refund' }, { machine: 'order', context: { sku: 'tea', paid: 1 } }]);
      // @ts-expect-error: there is no such machine
      await client.start({ machine: 'ordr', context: { sku: 'tea' } });
      // @ts-expect-error: the context lacks a property
      await client.start({ machine: 'order', context: {} });
      // @ts-expect-error: the machine needs a context
      await client.start({ machine: 'order' });
      // @ts-expect-error: the property has another type
      await client.start({ machine: 'order', context: { sku: 7 } });
      // @ts-expect-error: the context has no such property
      await client.startMany([{ machine: 'order', context: { sku: 'tea', size: 1 } }]);
      // @ts-expect-error: a start has no such option
      await client.start({ machine: 'refund', id: 'r' });
    });
  });

  test('types events and their data', () => {
    compiled(async () => {
      const shop = client.of('order');
      await shop.send('o', 'paid', { id: 'p', data: { cents: 3 } });
      await shop.complete('token', 'paid', { data: { cents: 3 } });
      await shop.send('o', 'declined');
      await shop.send('o', 'noted');
      await shop.send('o', 'noted', { data: 'fragile' });
      // @ts-expect-error: no state handles the event
      await shop.send('o', 'payed', { data: { cents: 3 } });
      // @ts-expect-error: no state handles the event
      await shop.complete('token', 'payed');
      // @ts-expect-error: another machine handles the event
      await shop.send('o', 'approved');
      // @ts-expect-error: the event carries data
      await shop.send('o', 'paid');
      // @ts-expect-error: the event carries data
      await shop.send('o', 'paid', { id: 'p' });
      // @ts-expect-error: the data has another type
      await shop.send('o', 'paid', { data: { cents: '3' } });
      // @ts-expect-error: the event carries no data
      await shop.send('o', 'declined', { data: 3 });
      // @ts-expect-error: the event carries no data
      await shop.complete('token', 'declined', { data: 3 });
      // @ts-expect-error: an event has no such option
      await shop.send('o', 'declined', { key: 'x' });
      // @ts-expect-error: the workflow has no such machine
      client.of('ordr');
    });
  });

  test('accepts the events of all its machines', () => {
    compiled(async () => {
      await client.send('x', 'approved');
      await client.send('x', 'approved', { data: [1] });
      // In one of the two machines, the data of this event has no declared type.
      await client.send('x', 'paid', { data: 'anything' });
      // @ts-expect-error: no machine handles the event
      await client.send('x', 'payed');
    });
  });

  test('types what describe returns', () => {
    compiled(async () => {
      const described = await client.describe('o');
      if (described?.machine !== 'order') return;
      const sku: string | undefined = described.context?.sku;
      const state: 'waiting' | 'shipping' | 'done' | 'cancelled' | null = described.state;
      // @ts-expect-error: the machine has no such state
      const isPacking = described.state === 'packing';
      // @ts-expect-error: the context has no such property
      const size = described.context?.size;
      return { sku, state, isPacking, size };
    });
  });

  test('is created from a collection of machines, from implementations, or from one machine', () => {
    const machines = { order, refund };
    const list = [orders, implement(refund, {})] as const;
    compiled(async () => {
      await new WorkflowClient<typeof machines>('').start({ machine: 'order', context: { sku: 'tea' } });
      await WorkflowClient.fromEnvironment<typeof list>()
        .of('order')
        .send('o', 'paid', { data: { cents: 1 } });
      await WorkflowClient.fromEnvironment()
        .of(order)
        .send('o', 'paid', { data: { cents: 1 } });
      await new TestWorkflow<typeof list>({ implementations: list }).client.of('order').send('o', 'declined');
      // @ts-expect-error: no state handles the event
      await WorkflowClient.fromEnvironment<typeof list>().send('o', 'payed');
      // @ts-expect-error: no state handles the event
      await WorkflowClient.fromEnvironment().of(order).send('o', 'payed');
      // @ts-expect-error: the context lacks a property
      await new WorkflowClient<typeof machines>('').start({ machine: 'order', context: {} });
    });
  });

  test('takes the context from implement.for', () => {
    const plain = implement.for<Order>()(
      defineMachine({
        name: 'plain',
        initial: 'a',
        states: { a: { do: 'work', on: { go: 'z' } }, z: { final: true } },
      }),
      { work: async () => 'go' },
    );
    compiled(async () => {
      const typed = new WorkflowClient<typeof plain>('');
      await typed.start({ machine: 'plain', context: { sku: 'tea' } });
      await typed.send('x', 'go', { data: { any: 'json' } });
      // @ts-expect-error: the context lacks a property
      await typed.start({ machine: 'plain', context: {} });
    });
  });

  test('without machines accepts every name, as before', () => {
    compiled(async (untyped = new WorkflowClient('')) => {
      await untyped.start({ machine: 'any', context: { any: ['json'] } });
      await untyped.send('x', 'any', { data: { any: 'json' } });
      const described = await untyped.describe('x');
      const context: { [name: string]: Json | undefined } | undefined = described?.context;
      return context;
    });
  });
});

describe('a machine that declares types', () => {
  test('types context and data of its actions', () => {
    compiled(() => {
      implement(order, {
        // @ts-expect-error: the data of the event has no such property
        book: (_context, run) => run.data.amount,
        label: (context, run) => {
          // Any event may lead to an entry action.
          const data: { cents: number } | string | undefined = run.data;
          // @ts-expect-error: the context has no such property
          return context.size ?? data;
        },
        ship: async () => 'delivered',
      });
    });
  });

  test('rejects data of events that no state handles, and types that JSON cannot represent', () => {
    const machine = { name: 'm', initial: 'a', states: { a: { on: { go: 'z' } }, z: { final: true } } } as const;
    compiled(() => {
      defineMachine.for<{ events: { go: number } }>()(machine);
      // @ts-expect-error: no state handles the event
      defineMachine.for<{ events: { gone: number } }>()(machine);
      // @ts-expect-error: JSON has no dates
      defineMachine.for<{ context: { at: Date } }>();
      // @ts-expect-error: JSON has no dates
      defineMachine.for<{ events: { go: { at: Date } } }>();
      // @ts-expect-error: JSON has no dates
      defineMachine.for<{ events: { go: Date } }>();
      // @ts-expect-error: machines have no such types
      defineMachine.for<{ contxt: Order }>();
    });
  });
});
