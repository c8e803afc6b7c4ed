import fc from 'fast-check';
import {
  DEFAULT_BACKOFF,
  defineMachine,
  type Machine,
  type MachineInput,
  type State,
  type Transition,
} from '../../lambda/machine';

/** A machine with every kind of action and transition. */
export const order = defineMachine({
  name: 'order',
  initial: 'reserving',
  maxRetries: 3,
  backoff: { baseSeconds: 2 },
  states: {
    reserving: { do: 'reserveStock', on: { reserved: 'charging', soldOut: 'cancelled' } },
    charging: {
      entry: 'openPayment',
      do: 'charge',
      exit: 'closePayment',
      on: { charged: { target: 'shipping', action: 'sendReceipt', local: true }, declined: 'cancelled' },
    },
    shipping: {
      do: 'ship',
      on: { delivered: 'done' },
      maxRetries: 8,
      backoff: { capSeconds: 600 },
      catch: { target: 'cancelled', action: 'apologize' },
    },
    done: { final: true },
    cancelled: { final: true },
  },
});

/** Names with a meaning in JavaScript, YAML, JSON, Mermaid or Graphviz, but not in a machine. */
const oddNames = [
  'constructor',
  'toString',
  'hasOwnProperty',
  'prototype',
  'length',
  'then',
  'true',
  'null',
  'yes',
  'on',
  '1',
  '1.5',
  '0x10',
  '~',
  '*a',
  '&a',
  '!a',
  '- a',
  '# a',
  'a: b',
  'a,b',
  '{a}',
  '[*]',
  '"',
  "'",
  '\\',
  '\\n',
  '%%',
  'end',
  'state',
  'ü',
  '状態',
  '🚚',
  'a b',
  'a.b.C',
  '<b>',
  '--> a',
  ';',
  '|',
  '=',
];

const names = fc.oneof(
  fc.constantFrom(...oddNames),
  fc
    .string({ minLength: 1, maxLength: 12, unit: 'grapheme' })
    .filter(
      (name) =>
        name === name.trim() && !/\p{Cc}|\p{Zl}|\p{Zp}|\p{Cs}/u.test(name) && !/^(\$|__proto__$|<<$)/.test(name),
    ),
);

const optionalName = fc.option(names, { nil: undefined });
const retries = fc.nat({ max: 1000 });
const backoffs = fc
  .tuple(fc.nat({ max: 100 }), fc.nat({ max: 100 }))
  .map(([base, more]) => ({ baseSeconds: base / 4, capSeconds: base / 4 + more }));

/** The form that a machine can be written in: the fsm.yaml dialect has no retry settings of states, catch transitions or timeouts. */
export type Extent = 'native' | 'fsm.yaml';

/** Generates valid machines with all kinds of names: a chain from the initial state to a final state, and random transitions. */
export function machines(extent: Extent): fc.Arbitrary<Machine> {
  return fc.uniqueArray(names, { minLength: 1, maxLength: 6 }).chain((states) =>
    fc
      .record({
        name: names,
        states: fc.tuple(...states.map((name, index) => state(name, states, states[index + 1], extent))),
        maxRetries: retries,
        backoff: extent === 'native' ? backoffs : fc.constant(DEFAULT_BACKOFF),
      })
      .map((machine) => ({
        ...machine,
        initial: states[0] ?? '',
        states: Object.fromEntries(
          machine.states.map((each) => [
            each.name,
            extent === 'native' ? each : { ...each, maxRetries: machine.maxRetries },
          ]),
        ),
      })),
  );
}

function state(name: string, states: readonly string[], next: string | undefined, extent: Extent): fc.Arbitrary<State> {
  const transition = (target: fc.Arbitrary<string>): fc.Arbitrary<Transition> =>
    fc.record({ target, action: optionalName, local: fc.boolean() }).map(present);
  const others = transition(fc.constantFrom(...states));
  const on =
    next === undefined
      ? fc.constant({})
      : fc
          .tuple(
            fc.uniqueArray(names, { minLength: 1, maxLength: 4 }),
            transition(fc.constant(next)),
            fc.array(others, { minLength: 3, maxLength: 3 }),
          )
          .map(([events, first, rest]) =>
            Object.fromEntries(events.map((event, index) => [event, [first, ...rest][index] ?? first])),
          );
  return fc
    .record({
      name: fc.constant(name),
      final: fc.constant(next === undefined),
      entry: optionalName,
      do: optionalName,
      exit: next === undefined ? fc.constant(undefined) : optionalName,
      on,
      maxRetries: retries,
      backoff: extent === 'native' ? backoffs : fc.constant(DEFAULT_BACKOFF),
      catch:
        extent === 'native' && next !== undefined
          ? fc.option(
              others.map((taken) => ({ ...taken, local: false })),
              { nil: undefined },
            )
          : fc.constant(undefined),
      timeout:
        extent === 'native'
          ? fc.option(fc.integer({ min: 1, max: 31_536_000 }), { nil: undefined })
          : fc.constant(undefined),
    })
    .map(({ timeout, ...each }) => {
      const [event] = Object.keys(each.on);
      return present({
        ...each,
        timeout: timeout !== undefined && event !== undefined ? { seconds: timeout, event } : undefined,
      });
    });
}

/** Writes a model as a definition, with every default explicit. */
export function asInput({ states, ...machine }: Machine): MachineInput {
  return {
    ...machine,
    states: Object.fromEntries(
      Object.values(states).map(({ name, catch: caught, ...rest }) => [
        name,
        present({
          ...rest,
          on: rest.final ? undefined : rest.on,
          catch: caught && present({ target: caught.target, action: caught.action }),
        }),
      ]),
    ),
  };
}

/** Writes a model in the fsm.yaml dialect. */
export function asFsmYaml(machine: Machine): object {
  return {
    name: machine.name,
    max_retries: machine.maxRetries,
    states: Object.values(machine.states).map((each) =>
      present({
        name: each.name,
        initial: each.name === machine.initial || undefined,
        final: each.final || undefined,
        entry_action: each.entry,
        do_action: each.do,
        exit_action: each.exit,
        transitions: each.final
          ? undefined
          : Object.entries(each.on).map(([event, taken]) => present({ event, ...taken })),
      }),
    ),
  };
}

/** Removes properties that are undefined. */
function present<T extends object>(object: T): T {
  // The result still has type T: only properties whose value may be undefined are removed.
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
