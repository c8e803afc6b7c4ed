import {
  defineActions,
  defineMachine,
  implement,
  type Action,
  type ActionsOf,
  type JsonObject,
  type MachineInput,
} from '../../../lambda/machine';
import { order } from '../../support/machines';

// These tests check what the compiler accepts and rejects; compile-errors.test.ts checks the text and place of its errors.

/** Takes code that the compiler checks and that never runs. */
function compiled(_examples: () => void): void {}

const silent = async () => {};

test('defineMachine returns its argument, and keeps the types of its names', () => {
  const target: 'charging' = order.states.reserving.on.reserved;
  const initial: 'reserving' = order.initial;
  expect(target).toBe('charging');
  expect(order.initial).toBe(initial);
});

test('defineMachine accepts every property, and machines whose names the compiler does not know', () => {
  const full: MachineInput = defineMachine({
    name: 'full',
    initial: 'a',
    maxRetries: 1,
    backoff: { baseSeconds: 1, capSeconds: 2 },
    states: {
      a: {
        entry: 'x',
        do: 'y',
        exit: 'z',
        final: false,
        maxRetries: 0,
        backoff: { capSeconds: 3 },
        on: { e: { target: 'b', action: 'w', local: true } },
        catch: { target: 'b', action: 'v' },
        timeout: { seconds: 60, event: 'e' },
      },
      b: { final: true, entry: 'x', do: 'y' },
    },
  });
  expect(defineMachine(full)).toBe(full);
});

test('defineMachine rejects inconsistent machines', () => {
  compiled(() => {
    // @ts-expect-error: the initial state does not exist
    defineMachine({ name: 'm', initial: 'aa', states: { a: { on: { go: 'z' } }, z: { final: true } } });
    // @ts-expect-error: the initial state is missing
    defineMachine({ name: 'm', states: { a: { on: { go: 'z' } }, z: { final: true } } });
    // @ts-expect-error: the name is missing
    defineMachine({ initial: 'a', states: { a: { on: { go: 'z' } }, z: { final: true } } });
    // @ts-expect-error: the target does not exist
    defineMachine({ name: 'm', initial: 'a', states: { a: { on: { go: 'y' } }, z: { final: true } } });
    // prettier-ignore
    // @ts-expect-error: the target does not exist
    defineMachine({ name: 'm', initial: 'a', states: { a: { on: { go: { target: 'y', local: true } } }, z: { final: true } } });
    // @ts-expect-error: the transition has no target
    defineMachine({ name: 'm', initial: 'a', states: { a: { on: { go: { local: true } } }, z: { final: true } } });
    // @ts-expect-error: an event has one target
    defineMachine({ name: 'm', initial: 'a', states: { a: { on: { go: ['z', 'a'] } }, z: { final: true } } });
    // @ts-expect-error: the target of the catch transition does not exist
    defineMachine({ name: 'm', initial: 'a', states: { a: { on: { go: 'z' }, catch: 'y' }, z: { final: true } } });
    // prettier-ignore
    // @ts-expect-error: a catch transition cannot be local
    defineMachine({ name: 'm', initial: 'a', states: { a: { on: { go: 'z' }, catch: { target: 'z', local: true } }, z: { final: true } } });
    // @ts-expect-error: a final state cannot have transitions
    defineMachine({ name: 'm', initial: 'a', states: { a: { on: { go: 'z' } }, z: { final: true, on: { go: 'a' } } } });
    // @ts-expect-error: a final state cannot have a catch transition
    defineMachine({ name: 'm', initial: 'a', states: { a: { on: { go: 'z' } }, z: { final: true, catch: 'a' } } });
    // @ts-expect-error: unknown property of a machine
    defineMachine({ name: 'm', initial: 'a', retries: 3, states: { a: { on: { go: 'z' } }, z: { final: true } } });
    // @ts-expect-error: unknown property of a state
    defineMachine({ name: 'm', initial: 'a', states: { a: { doo: 'x', on: { go: 'z' } }, z: { final: true } } });
    // prettier-ignore
    // @ts-expect-error: unknown property of a transition
    defineMachine({ name: 'm', initial: 'a', states: { a: { on: { go: { target: 'z', guard: 'x' } } }, z: { final: true } } });
    // prettier-ignore
    // @ts-expect-error: unknown property of a backoff
    defineMachine({ name: 'm', initial: 'a', states: { a: { on: { go: 'z' }, backoff: { maxSeconds: 1 } }, z: { final: true } } });
    // @ts-expect-error: the name of an action is a string
    defineMachine({ name: 'm', initial: 'a', states: { a: { do: () => 'go', on: { go: 'z' } }, z: { final: true } } });
  });
});

interface OrderContext {
  sku: string;
  amount?: number;
  lines: { id: string; price: number }[];
  shippedAt: string | null;
  extra: unknown;
}

const actions: ActionsOf<typeof order, OrderContext> = {
  reserveStock: async ({ sku }) => (sku === '' ? 'soldOut' : 'reserved'),
  openPayment: (context) => {
    context.amount = context.lines.reduce((sum, { price }) => sum + price, 0);
  },
  charge: async (context, run) => {
    if (context.amount === 0 || run.attempt > 3) {
      return 'declined';
    }
    return 'charged';
  },
  closePayment: silent,
  sendReceipt() {},
  ship: async () => 'delivered',
  apologize: async (_context, run) => run.logger.warn(run.error?.message ?? 'no reason'),
};

test('implement combines a machine with its actions', () => {
  const implementation = implement.for<OrderContext>()(order, actions);
  expect(implementation.machine).toBe(order);
  expect(implementation.actions).toBe(actions);
  expect(implement(order, { ...untyped, ship: async () => {} }).machine).toBe(order);
});

const untyped: ActionsOf<typeof order> = {
  reserveStock: async () => 'reserved',
  openPayment: silent,
  charge: async (context) => {
    context.amount = 5;
    return context.amount > 4 ? 'charged' : undefined;
  },
  closePayment: silent,
  sendReceipt: silent,
  ship: async () => 'delivered',
  apologize: silent,
};

test('implement rejects actions that do not fit the machine', () => {
  compiled(() => {
    const { ship, ...withoutShip } = untyped;
    // @ts-expect-error: an action is missing
    implement(order, withoutShip);
    // @ts-expect-error: the machine has no such action
    implement(order, { ...withoutShip, ship, fly: silent });
    // @ts-expect-error: shipping does not handle this event
    implement(order, { ...withoutShip, ship: async () => 'lost' });
    // @ts-expect-error: shipping does not handle one of these events
    implement(order, { ...withoutShip, ship: async (_context, run) => (run.attempt > 1 ? 'lost' : 'delivered') });
    // @ts-expect-error: an entry action returns no event
    implement(order, { ...untyped, openPayment: async () => 'charged' });
    // @ts-expect-error: an exit action returns no event
    implement(order, { ...untyped, closePayment: async () => 'charged' });
    // @ts-expect-error: a transition action returns no event
    implement(order, { ...untyped, sendReceipt: () => 'charged' });
    // @ts-expect-error: the action of a catch transition returns no event
    implement(order, { ...untyped, apologize: async () => 'delivered' });
    // @ts-expect-error: the context has no such property
    implement.for<OrderContext>()(order, { ...actions, ship: async (context) => context.carrier });
  });
});

test('a do action of several states returns events that all of them handle', () => {
  const machine = defineMachine({
    name: 'm',
    initial: 'a',
    states: {
      a: { do: 'work', on: { go: 'b', stop: 'z' } },
      b: { do: 'work', on: { go: 'z', back: 'a' } },
      z: { final: true, do: 'report' },
    },
  });
  expect(implement(machine, { work: async () => 'go', report: silent }).machine).toBe(machine);
  compiled(() => {
    // @ts-expect-error: b does not handle stop
    implement(machine, { work: async () => 'stop', report: silent });
    // @ts-expect-error: a does not handle back
    implement(machine, { work: async () => 'back', report: silent });
    // @ts-expect-error: the do action of a final state returns no event
    implement(machine, { work: async () => 'go', report: async () => 'go' });
  });
});

test('an action that is also an entry action returns no event', () => {
  const machine = defineMachine({
    name: 'm',
    initial: 'a',
    states: { a: { do: 'work', on: { go: 'z' } }, z: { final: true, entry: 'work' } },
  });
  expect(implement(machine, { work: () => {} }).machine).toBe(machine);
  compiled(() => {
    // @ts-expect-error: z does not handle the event of its entry action
    implement(machine, { work: async () => 'go' });
  });
});

test('implement rejects a context that JSON cannot represent', () => {
  compiled(() => {
    implement.for<{ readonly tuple: [string, number]; tree: Tree; anything: Record<string, unknown> }>();
    // @ts-expect-error: JSON has no dates
    implement.for<{ at: Date }>();
    // @ts-expect-error: JSON has no functions
    implement.for<{ nested: { list: (() => void)[] } }>();
    // @ts-expect-error: JSON has no bigints
    implement.for<{ nested: { big?: bigint } }>();
    // @ts-expect-error: JSON has no maps
    implement.for<{ byName: Map<string, string> }>();
    // @ts-expect-error: JSON has no sets
    defineActions<{ names: ReadonlySet<string> }>({});
  });
});

interface Tree {
  name: string;
  children: Tree[];
  parent?: Tree;
}

test('defineActions and implement accept any name for machines that the compiler does not know', () => {
  const work: Action<OrderContext> = async ({ sku }) => sku;
  const defined = defineActions<OrderContext>({ 'orders.actions.Work': work, 'orders.actions.Rest': () => {} });
  expect(defined['orders.actions.Work']).toBe(work);
  const unknown: MachineInput = order;
  const context: Action = (json: JsonObject) => (typeof json.event === 'string' ? json.event : undefined);
  expect(implement(unknown, { anything: async () => 'any event' }).actions).toHaveProperty('anything');
  expect(defineActions({ context })).toEqual({ context });
});
