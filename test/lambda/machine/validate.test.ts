import {
  describeProblem,
  InvalidDefinitionError,
  normalize,
  validate,
  validateTogether,
} from '../../../lambda/machine';
import { order } from '../../support/machines';

/** A valid machine, with some properties replaced. */
function machine(states: object, rest: object = {}): object {
  return { name: 'm', initial: 'a', states: { a: { on: { go: 'z' } }, z: { final: true }, ...states }, ...rest };
}

function problemsOf(input: unknown): string[] {
  return validate(input).map(describeProblem);
}

test('a machine with every property is valid', () => {
  expect(validate(order)).toEqual([]);
});

test('normalize fills in defaults, and states inherit from their machine', () => {
  expect(normalize(order)).toMatchObject({
    maxRetries: 3,
    backoff: { baseSeconds: 2, capSeconds: 60 },
    states: {
      charging: {
        final: false,
        maxRetries: 3,
        backoff: { baseSeconds: 2, capSeconds: 60 },
        on: { declined: { target: 'cancelled', local: false } },
      },
      shipping: {
        maxRetries: 8,
        backoff: { baseSeconds: 2, capSeconds: 600 },
        catch: { target: 'cancelled', action: 'apologize', local: false },
      },
    },
  });
  expect(normalize({ name: 'm', initial: 'a', states: { a: { final: true } } })).toEqual({
    name: 'm',
    initial: 'a',
    maxRetries: 5,
    backoff: { baseSeconds: 1, capSeconds: 60 },
    states: { a: { name: 'a', final: true, on: {}, maxRetries: 5, backoff: { baseSeconds: 1, capSeconds: 60 } } },
  });
});

const A_PLACE = 'machine "m", state "a": ';

test.each<[string, unknown, string[]]>([
  [
    'an unknown initial state with a similar name',
    machine({ start: { on: { go: 'a' } } }, { initial: 'strat' }),
    ['machine "m": The initial state "strat" does not exist. Did you mean "start"?'],
  ],
  [
    'no initial state',
    machine({}, { initial: undefined }),
    ['machine "m": Missing property "initial". Add it: a machine requires "name", "initial" and "states".'],
  ],
  [
    'an empty initial state',
    machine({}, { initial: '' }),
    ['machine "m": The initial state "" does not exist. Add the state, or use "a" or "z".'],
  ],
  [
    'a misspelled target',
    machine({ shipping: { on: { ok: 'z' } }, a: { on: { go: 'shiping' } } }),
    ['machine "m", state "a", event "go": The target state "shiping" does not exist. Did you mean "shipping"?'],
  ],
  [
    'an unknown target',
    machine({ a: { on: { go: 'z', fail: { target: 'elsewhere' } } } }),
    [
      'machine "m", state "a", event "fail": The target state "elsewhere" does not exist. Add the state, or use "a" or "z".',
    ],
  ],
  [
    'an unknown target of a catch transition',
    machine({ a: { on: { go: 'z' }, catch: 'elsewhere' } }),
    [
      `${A_PLACE}The target state "elsewhere" of the catch transition does not exist. Add the state, or use "a" or "z".`,
    ],
  ],
  [
    'an unreachable state',
    machine({ b: { on: { go: 'z' } } }),
    [
      'machine "m", state "b": The state is unreachable: no path leads to it from the initial state "a". Add a transition to it, or remove the state.',
    ],
  ],
  [
    'states that cannot reach a final state',
    machine({ a: { on: { go: 'z', loop: 'b' } }, b: { on: { go: 'c' } }, c: { on: { go: 'b' } } }),
    ['b', 'c'].map(
      (state) =>
        `machine "m", state "${state}": No path leads from this state to a final state, so an execution that enters it never ends. Add a transition to a state from which a final state can be reached.`,
    ),
  ],
  [
    'a state without transitions that is not final',
    machine({ a: { on: { go: 'z', fail: 'b' } }, b: { do: 'work' } }),
    [
      'machine "m", state "b": The state is not final and has no transitions, so an execution never leaves it. Add "final: true" or a transition.',
    ],
  ],
  [
    'no final state',
    { name: 'm', initial: 'a', states: { a: { on: { again: 'a' } } } },
    [
      'machine "m": The machine has no final state, so its executions never end. Add "final: true" to each state in which an execution ends.',
    ],
  ],
  [
    'no states',
    { name: 'm', initial: 'a', states: {} },
    ['machine "m": The machine has no states. Add at least one state with "final: true".'],
  ],
  [
    'a transition of a final state',
    machine({ z: { final: true, on: { again: 'a' } } }),
    ['machine "m", state "z", event "again": A final state cannot have transitions. Remove the transition or "final".'],
  ],
  [
    'a catch transition of a final state',
    machine({ z: { final: true, catch: 'a' } }),
    [
      'machine "m", state "z": A final state cannot have a catch transition. Move the action that can fail to an earlier state.',
    ],
  ],
  [
    'a timeout with a misspelled event',
    machine({ a: { on: { expired: 'z' }, timeout: { seconds: 60, event: 'expire' } } }),
    [`${A_PLACE}The timeout sends the event "expire", which the state does not handle. Did you mean "expired"?`],
  ],
  [
    'a timeout with an event that the state does not handle',
    machine({ a: { on: { go: 'z' }, timeout: { seconds: 60, event: 'elapsed' } } }),
    [
      `${A_PLACE}The timeout sends the event "elapsed", which the state does not handle. Add a transition for the event to "on".`,
    ],
  ],
  [
    'timeouts of zero and of more than a year',
    machine({
      a: { on: { go: 'b' }, timeout: { seconds: 0, event: 'go' } },
      b: { on: { go: 'z' }, timeout: { seconds: 31_536_001, event: 'go' } },
    }),
    [
      `${A_PLACE}Invalid "seconds": 0. Write an integer from 1 to 31536000.`,
      'machine "m", state "b": Invalid "seconds": 31536001. Write an integer from 1 to 31536000.',
    ],
  ],
  [
    'a timeout without its properties',
    machine({ a: { on: { go: 'z' }, timeout: { after: 60 } } }),
    [
      `${A_PLACE}Unknown property "after". Remove it: a timeout has the properties "seconds" and "event".`,
      `${A_PLACE}Missing property "seconds". Add it: a timeout requires "seconds" and "event".`,
      `${A_PLACE}Missing property "event". Add it: a timeout requires "seconds" and "event".`,
    ],
  ],
  [
    'a timeout of a final state',
    machine({ z: { final: true, timeout: { seconds: 60, event: 'go' } } }),
    ['machine "m", state "z": A final state cannot have a timeout. Remove the timeout or "final".'],
  ],
  [
    'an exit action of a final state',
    machine({ z: { final: true, exit: 'leave' } }),
    [
      'warning: machine "m", state "z": The exit action "leave" never runs because a final state is never left. Remove it, or make it the entry action.',
    ],
  ],
  [
    'negative retries',
    machine({}, { maxRetries: -1 }),
    ['machine "m": Invalid "maxRetries": -1. Write an integer of 0 or more.'],
  ],
  [
    'a fraction of a retry',
    machine({ a: { on: { go: 'z' }, maxRetries: 1.5 } }),
    [`${A_PLACE}Invalid "maxRetries": 1.5. Write an integer of 0 or more.`],
  ],
  [
    'infinite retries',
    machine({}, { maxRetries: Infinity }),
    ['machine "m": Invalid "maxRetries": Infinity. Write an integer of 0 or more.'],
  ],
  [
    'a backoff whose base exceeds its cap',
    machine({ a: { on: { go: 'z' }, backoff: { baseSeconds: 61 } } }),
    [
      `${A_PLACE}Invalid backoff: "baseSeconds" (61) exceeds "capSeconds" (60). Set "capSeconds" to 61 or more, or "baseSeconds" to 60 or less.`,
    ],
  ],
  [
    'a backoff with invalid numbers',
    machine({}, { backoff: { baseSeconds: -1, capSeconds: NaN } }),
    [
      'machine "m": Invalid "baseSeconds": -1. Write a number from 0 to 31536000.',
      'machine "m": Invalid "capSeconds": NaN. Write a number from 0 to 31536000.',
    ],
  ],
  [
    'a backoff of more than a year',
    machine({}, { backoff: { capSeconds: 1e9 } }),
    ['machine "m": Invalid "capSeconds": 1000000000. Write a number from 0 to 31536000.'],
  ],
  [
    'a reserved event name',
    machine({ a: { on: { $start: 'z' } } }),
    [
      'machine "m", state "a", event "$start": Invalid event name "$start": names that begin with "$" are reserved for the engine. Choose another name.',
    ],
  ],
  [
    'an empty name',
    machine({}, { name: '' }),
    ['Invalid machine name "": expected 1 to 255 characters. Choose another name.'],
  ],
  [
    'an empty action name',
    machine({ a: { do: '', on: { go: 'z' } } }),
    [`${A_PLACE}Invalid action name "": expected 1 to 255 characters. Choose another name.`],
  ],
  [
    'a name with a line break',
    machine({ a: { do: 'x\ny', on: { go: 'z' } } }),
    [
      `${A_PLACE}Invalid action name "x\\ny": expected no line breaks, control or format characters, or unpaired surrogates. Choose another name.`,
    ],
  ],
  [
    'a name that ends with a space',
    machine({ a: { on: { go: 'z ' } }, 'z ': { final: true } }),
    [
      'machine "m", state "z ": Invalid state name "z ": expected no space at its start or end. Choose another name.',
      'machine "m", state "z": The state is unreachable: no path leads to it from the initial state "a". Add a transition to it, or remove the state.',
    ],
  ],
  [
    'a name of more than 255 characters',
    machine({}, { name: 'x'.repeat(256) }),
    [expect.stringContaining('expected 1 to 255 characters. Choose another name.')],
  ],
  [
    'an unknown property',
    machine({ a: { doo: 'work', on: { go: { target: 'z', guard: 'x' } } } }),
    [
      `${A_PLACE}Unknown property "doo". Did you mean "do"?`,
      'machine "m", state "a", event "go": Unknown property "guard". Remove it: a transition has the properties "target", "action" and "local".',
    ],
  ],
  [
    'wrong types',
    machine({ a: { do: { name: 'x' }, entry: 5, on: { go: 'z' }, final: 'no', maxRetries: '3' } }),
    [
      `${A_PLACE}Invalid "final": expected true or false, but found the string "no". Write true or false without quotes.`,
      `${A_PLACE}Invalid "entry": expected a string, but found the number 5. Put it in quotes.`,
      `${A_PLACE}Invalid "do": expected a string, but found a map. Write one name.`,
      `${A_PLACE}Invalid "maxRetries": expected a number, but found the string "3". Write a number without quotes.`,
    ],
  ],
  [
    'several targets of one event',
    machine({ a: { on: { go: ['z', 'a'] } } }),
    [
      'machine "m", state "a", event "go": Expected a transition, but found a list. Write the name of one state, in quotes if it looks like a number, or a map with "target".',
    ],
  ],
  [
    'states in a list',
    machine({}, { states: [] }),
    ['machine "m": Invalid "states": expected a map, but found a list. Write a map with one entry for each state.'],
  ],
  [
    'no state',
    machine({ a: null }),
    [
      `${A_PLACE}Expected a state, but found no value. Write a map with the properties "final", "entry", "do", "exit", "on", "maxRetries", "backoff", "catch", "timeout" and "timeLimit".`,
    ],
  ],
  [
    'functions',
    machine({ a: { do: () => 'x', on: { go: 'z' } } }),
    [`${A_PLACE}Invalid "do": expected a string, but found a function. Write one name.`],
  ],
  [
    'no value',
    undefined,
    [
      'Expected a machine, but found no value. Write a map with the properties "name", "initial", "maxRetries", "backoff" and "states".',
    ],
  ],
  [
    'a promise',
    new Promise(() => {}),
    [
      'Expected a machine, but found an instance of a class. Write a map with the properties "name", "initial", "maxRetries", "backoff" and "states".',
    ],
  ],
])('%s is reported', (_name, input, expected) => {
  expect(problemsOf(input)).toEqual(expected);
});

test('normalize reports all problems together', () => {
  const broken = {
    name: 'm',
    initial: 'a',
    maxRetries: -1,
    states: { a: { on: { go: 'x' } }, z: { final: true, exit: 'leave' } },
  };
  expect(() => normalize(broken)).toThrow(InvalidDefinitionError);
  expect(() => normalize(broken)).toThrow(`3 errors and 1 warning in the machine definition:
  machine "m": Invalid "maxRetries": -1. Write an integer of 0 or more.
  machine "m", state "a", event "go": The target state "x" does not exist. Add the state, or use "a" or "z".
  warning: machine "m", state "z": The exit action "leave" never runs because a final state is never left. Remove it, or make it the entry action.
  machine "m", state "z": The state is unreachable: no path leads to it from the initial state "a". Add a transition to it, or remove the state.`);
});

test('normalize accepts a machine that has only warnings', () => {
  expect(normalize({ name: 'm', initial: 'z', states: { z: { final: true, exit: 'leave' } } }).states.z).toMatchObject({
    exit: 'leave',
  });
});

test('a catch transition counts as a path', () => {
  expect(validate(machine({ a: { do: 'work', on: { again: 'a' }, catch: 'z' } }))).toEqual([]);
});

test('a definition cannot reach a prototype', () => {
  expect(
    problemsOf(
      JSON.parse('{"name":"m","initial":"a","states":{"a":{"on":{"go":"__proto__"}},"__proto__":{"final":true}}}'),
    ),
  ).toEqual([
    'machine "m", state "__proto__": Invalid state name "__proto__": JavaScript reserves this name. Choose another name.',
  ]);
  expect(({} as { final?: boolean }).final).toBeUndefined();
  expect(problemsOf(Object.create({ name: 'm', initial: 'a', states: {} }))).toEqual([
    expect.stringContaining('an instance of a class'),
  ]);
});

test('cycles, huge arrays and objects that throw are rejected', () => {
  const cycle: Record<string, unknown> = {};
  cycle.states = cycle;
  expect(problemsOf(cycle)).toEqual([
    expect.stringContaining('Expected a machine, but found a value with more than 50 levels of nesting'),
  ]);
  expect(problemsOf({ states: new Array(1e9) })).toEqual([
    expect.stringContaining('a value with more than 200000 values'),
  ]);
  expect(
    problemsOf({
      get name() {
        throw new Error('no');
      },
    }),
  ).toEqual([expect.stringContaining('an object that cannot be read')]);
  expect(
    problemsOf(
      new Proxy(
        {},
        {
          ownKeys() {
            throw new Error('no');
          },
        },
      ),
    ),
  ).toEqual([expect.stringContaining('an object that cannot be read')]);
});

test('machines of one workflow need unique names', () => {
  const one = normalize(order);
  expect(validateTogether([one, { ...one, name: 'other' }])).toEqual([]);
  expect(validateTogether([one, one]).map(describeProblem)).toEqual([
    'machine "order": Duplicate machine "order". Rename or remove one of them.',
  ]);
});
