import { order } from './machines';
import { describeProblem, InvalidDefinitionError, normalize, validate, validateTogether } from '../../lambda/machine';

/** A valid machine with parts replaced. */
function machine(states: object, rest: object = {}): object {
  return { name: 'm', initial: 'a', states: { a: { on: { go: 'z' } }, z: { final: true }, ...states }, ...rest };
}

function problemsOf(input: unknown): string[] {
  return validate(input).map(describeProblem);
}

test('a machine with one of everything is valid', () => {
  expect(validate(order)).toEqual([]);
});

test('defaults are filled in, and inherited from the machine by its states', () => {
  expect(normalize(order)).toMatchObject({
    maxRetries: 3,
    backoff: { baseSeconds: 2, capSeconds: 60 },
    states: {
      charging: { final: false, maxRetries: 3, backoff: { baseSeconds: 2, capSeconds: 60 }, on: { declined: { target: 'cancelled', local: false } } },
      shipping: { maxRetries: 8, backoff: { baseSeconds: 2, capSeconds: 600 }, catch: { target: 'cancelled', action: 'apologize', local: false } },
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
  ['an initial state that is none', machine({ start: { on: { go: 'a' } } }, { initial: 'strat' }),
    ['machine "m": The initial state "strat" is no state. Did you mean "start"?']],
  ['no initial state', machine({}, { initial: undefined }), ['machine "m": "initial" is missing. Add it.']],
  ['an empty initial state', machine({}, { initial: '' }), ['machine "m": The initial state "" is no state. Add the state, or name one of "a" or "z".']],
  ['a misspelt target', machine({ shipping: { on: { ok: 'z' } }, a: { on: { go: 'shiping' } } }),
    ['machine "m", state "a", event "go": The target "shiping" is no state. Did you mean "shipping"?']],
  ['a target that is nothing like a state', machine({ a: { on: { go: 'z', fail: { target: 'elsewhere' } } } }),
    ['machine "m", state "a", event "fail": The target "elsewhere" is no state. Add the state, or name one of "a" or "z".']],
  ['a catch target that is no state', machine({ a: { on: { go: 'z' }, catch: 'elsewhere' } }),
    [`${A_PLACE}The catch target "elsewhere" is no state. Add the state, or name one of "a" or "z".`]],
  ['an unreachable state', machine({ b: { on: { go: 'z' } } }),
    ['machine "m", state "b": The state is unreachable: no path leads to it from the initial state "a". Add a transition to it, or remove it.']],
  ['states that cannot reach a final one', machine({ a: { on: { go: 'z', loop: 'b' } }, b: { on: { go: 'c' } }, c: { on: { go: 'b' } } }), ['b', 'c'].map((state) =>
    `machine "m", state "${state}": No path leads from this state to a final one: an execution that enters it never ends. Add a transition to a state that leads to a final one.`)],
  ['a state that leads nowhere', machine({ a: { on: { go: 'z', fail: 'b' } }, b: { do: 'work' } }),
    ['machine "m", state "b": The state is not final, but handles no event: an execution would never leave it. Add "final: true", or a transition.']],
  ['no final state', { name: 'm', initial: 'a', states: { a: { on: { again: 'a' } } } },
    ['machine "m": The machine has no final state, so its executions never end. Add "final: true" to each state in which they end.']],
  ['no states', { name: 'm', initial: 'a', states: {} }, [
    'machine "m": The machine has no states. Add the states; one of them must be final.',
  ]],
  ['a transition out of a final state', machine({ z: { final: true, on: { again: 'a' } } }),
    ['machine "m", state "z", event "again": A final state has no transitions. Remove the transition, or "final".']],
  ['a catch transition of a final state', machine({ z: { final: true, catch: 'a' } }),
    ['machine "m", state "z": A final state has no catch transition. Put the action that may fail into a state before it.']],
  ['a timeout whose event the state does not handle', machine({ a: { on: { expired: 'z' }, timeout: { seconds: 60, event: 'expire' } } }),
    [`${A_PLACE}The state does not handle the event "expire" of its timeout. Did you mean "expired"?`]],
  ['a timeout with an event of its own', machine({ a: { on: { go: 'z' }, timeout: { seconds: 60, event: 'elapsed' } } }),
    [`${A_PLACE}The state does not handle the event "elapsed" of its timeout. Add a transition for it to "on".`]],
  ['a timeout of no time, and one of more than a year', machine({
    a: { on: { go: 'b' }, timeout: { seconds: 0, event: 'go' } }, b: { on: { go: 'z' }, timeout: { seconds: 31_536_001, event: 'go' } },
  }), [
    `${A_PLACE}The timeout is 0 s. Write an integer from 1 to 31536000.`,
    'machine "m", state "b": The timeout is 31536001 s. Write an integer from 1 to 31536000.',
  ]],
  ['half a timeout', machine({ a: { on: { go: 'z' }, timeout: { after: 60 } } }), [
    `${A_PLACE}Unknown property "after". Remove it; the properties of a timeout are "seconds" and "event".`,
    `${A_PLACE}"seconds" is missing. Add it.`,
    `${A_PLACE}"event" is missing. Add it.`,
  ]],
  ['a timeout of a final state', machine({ z: { final: true, timeout: { seconds: 60, event: 'go' } } }),
    ['machine "m", state "z": A final state has no timeout, since nothing waits in it. Remove the timeout, or "final".']],
  ['an exit action of a final state', machine({ z: { final: true, exit: 'leave' } }),
    ['warning: machine "m", state "z": The exit action "leave" never runs, since a final state is never left. Remove it, or make it the entry action.']],
  ['negative retries', machine({}, { maxRetries: -1 }), ['machine "m": The number of retries is -1. Write an integer of 0 or more.']],
  ['half a retry', machine({ a: { on: { go: 'z' }, maxRetries: 1.5 } }), [`${A_PLACE}The number of retries is 1.5. Write an integer of 0 or more.`]],
  ['endless retries', machine({}, { maxRetries: Infinity }), ['machine "m": The number of retries is Infinity. Write an integer of 0 or more.']],
  ['a backoff over its cap', machine({ a: { on: { go: 'z' }, backoff: { baseSeconds: 61 } } }),
    [`${A_PLACE}The backoff begins with 61 s, which is more than its cap of 60 s. Set "capSeconds" to 61 or more, or a smaller "baseSeconds".`]],
  ['a backoff that is no time', machine({}, { backoff: { baseSeconds: -1, capSeconds: NaN } }), [
    'machine "m": "baseSeconds" is -1. Write a number of seconds from 0 to 31536000.',
    'machine "m": "capSeconds" is NaN. Write a number of seconds from 0 to 31536000.',
  ]],
  ['a backoff of a lifetime', machine({}, { backoff: { capSeconds: 1e9 } }),
    ['machine "m": "capSeconds" is 1000000000. Write a number of seconds from 0 to 31536000.']],
  ['a name of the engine', machine({ a: { on: { $start: 'z' } } }),
    ['machine "m", state "a", event "$start": The name "$start" of an event begins with $, which is kept for the events of the engine itself. Choose another name.']],
  ['an empty name', machine({}, { name: '' }), ['The name "" of a machine is empty. Choose another name.']],
  ['an empty action name', machine({ a: { do: '', on: { go: 'z' } } }), [`${A_PLACE}The name "" of an action is empty. Choose another name.`]],
  ['a name with a line break', machine({ a: { do: 'x\ny', on: { go: 'z' } } }),
    [`${A_PLACE}The name "x\\ny" of an action has a character in it that cannot be written on one line. Choose another name.`]],
  ['a name with a space at its end', machine({ 'a': { on: { go: 'z ' } }, 'z ': { final: true } }), [
    'machine "m", state "z ": The name "z " of a state begins or ends with a space. Choose another name.',
    'machine "m", state "z": The state is unreachable: no path leads to it from the initial state "a". Add a transition to it, or remove it.',
  ]],
  ['a name that is too long', machine({}, { name: 'x'.repeat(256) }), [expect.stringContaining('of a machine is longer than 255 characters. Choose another name.')]],
  ['an unknown property', machine({ a: { doo: 'work', on: { go: { target: 'z', guard: 'x' } } } }), [
    `${A_PLACE}Unknown property "doo". Did you mean "do"?`,
    'machine "m", state "a", event "go": Unknown property "guard". Remove it; the properties of a transition are "target", "action" and "local".',
  ]],
  ['wrong types', machine({ a: { do: { name: 'x' }, entry: 5, on: { go: 'z' }, final: 'no', maxRetries: '3' } }), [
    `${A_PLACE}"final" must be true or false, but is the text "no". Write true or false without quotes.`,
    `${A_PLACE}"entry" must be text, but is the number 5. Put it in quotes.`,
    `${A_PLACE}"do" must be text, but is a map. Write one name.`,
    `${A_PLACE}"maxRetries" must be a number, but is the text "3". Write a number without quotes.`,
  ]],
  ['several targets of one event', machine({ a: { on: { go: ['z', 'a'] } } }),
    ['machine "m", state "a", event "go": The target of a transition is a list. Write the name of one state, in quotes if it looks like a number, or a map with "target".']],
  ['states in a list', machine({}, { states: [] }), ['machine "m": "states" must be a map, but is a list. Write a map from names to what they stand for.']],
  ['a state that is none', machine({ a: null }), [
    `${A_PLACE}Instead of a state there is nothing. Write a map with the properties "final", "entry", "do", "exit", "on", "maxRetries", "backoff", "catch" and "timeout".`,
  ]],
  ['functions', machine({ a: { do: () => 'x', on: { go: 'z' } } }), [`${A_PLACE}"do" must be text, but is a function. Write one name.`]],
  ['nothing', undefined, ['Instead of a machine there is nothing. Write a map with the properties "name", "initial", "maxRetries", "backoff" and "states".']],
  ['a machine in the making', new Promise(() => {}),
    ['Instead of a machine there is an instance of a class. Write a map with the properties "name", "initial", "maxRetries", "backoff" and "states".']],
])('%s', (_name, input, expected) => {
  expect(problemsOf(input)).toEqual(expected);
});

test('all problems are reported at once', () => {
  const broken = { name: 'm', initial: 'a', maxRetries: -1, states: { a: { on: { go: 'x' } }, z: { final: true, exit: 'leave' } } };
  expect(() => normalize(broken)).toThrow(InvalidDefinitionError);
  expect(() => normalize(broken)).toThrow(`3 errors and 1 warning in the machine definition:
  machine "m": The number of retries is -1. Write an integer of 0 or more.
  machine "m", state "a", event "go": The target "x" is no state. Add the state, or name one of "a" or "z".
  warning: machine "m", state "z": The exit action "leave" never runs, since a final state is never left. Remove it, or make it the entry action.
  machine "m", state "z": The state is unreachable: no path leads to it from the initial state "a". Add a transition to it, or remove it.`);
});

test('a machine with nothing but warnings can be used', () => {
  expect(normalize({ name: 'm', initial: 'z', states: { z: { final: true, exit: 'leave' } } }).states.z).toMatchObject({ exit: 'leave' });
});

test('a catch transition counts as a path', () => {
  expect(validate(machine({ a: { do: 'work', on: { again: 'a' }, catch: 'z' } }))).toEqual([]);
});

test('a prototype is no definition, and a definition reaches no prototype', () => {
  expect(problemsOf(JSON.parse('{"name":"m","initial":"a","states":{"a":{"on":{"go":"__proto__"}},"__proto__":{"final":true}}}')))
    .toEqual(['machine "m", state "__proto__": The name "__proto__" of a state means something else to JavaScript. Choose another name.']);
  expect(({} as { final?: boolean }).final).toBeUndefined();
  expect(problemsOf(Object.create({ name: 'm', initial: 'a', states: {} }))).toEqual([expect.stringContaining('an instance of a class')]);
});

test('cycles, giants and objects that throw are refused', () => {
  const cycle: Record<string, unknown> = {};
  cycle.states = cycle;
  expect(problemsOf(cycle)).toEqual([expect.stringContaining('Instead of a machine there is a value nested more than 50 levels deep')]);
  expect(problemsOf({ states: new Array(1e9) })).toEqual([expect.stringContaining('a value of more than 200000 values')]);
  expect(problemsOf({ get name() { throw new Error('no'); } })).toEqual([expect.stringContaining('an object that cannot be read')]);
  expect(problemsOf(new Proxy({}, { ownKeys() { throw new Error('no'); } }))).toEqual([expect.stringContaining('an object that cannot be read')]);
});

test('machines of one workflow have names of their own', () => {
  const one = normalize(order);
  expect(validateTogether([one, { ...one, name: 'other' }])).toEqual([]);
  expect(validateTogether([one, one]).map(describeProblem)).toEqual(['machine "order": There is a second machine "order". Rename or remove one of them.']);
});
