import {
  CATCH,
  eventsOf,
  normalize,
  START,
  transition,
  UnhandledEventError,
  UnknownStateError,
} from '../../../lambda/machine';
import { order } from '../../support/machines';

const machine = normalize(order);

function actions(source: string | null, event: string): string[] {
  return transition(machine, source, event).actions.map(({ kind, name, state }) => `${kind} ${name} in ${state}`);
}

test('the start enters the initial state', () => {
  expect(transition(machine, null, START)).toEqual({
    source: null,
    event: START,
    target: machine.states.reserving,
    local: false,
    actions: [{ kind: 'do', name: 'reserveStock', state: 'reserving' }],
  });
});

test('actions run in the order of UML: exit, transition, entry, do', () => {
  expect(actions('reserving', 'reserved')).toEqual(['entry openPayment in charging', 'do charge in charging']);
  expect(actions('charging', 'charged')).toEqual([
    'exit closePayment in charging',
    'transition sendReceipt in shipping',
    'do ship in shipping',
  ]);
});

test('a local transition is marked as local', () => {
  expect(transition(machine, 'charging', 'charged').local).toBe(true);
  expect(transition(machine, 'charging', 'declined').local).toBe(false);
});

test('a self transition leaves the state and enters it again', () => {
  const looping = normalize({
    name: 'looping',
    initial: 'a',
    states: {
      a: { entry: 'in', do: 'work', exit: 'out', on: { again: { target: 'a', action: 'count' }, end: 'z' } },
      z: { final: true },
    },
  });
  expect(transition(looping, 'a', 'again').actions.map(({ kind }) => kind)).toEqual([
    'exit',
    'transition',
    'entry',
    'do',
  ]);
});

test('the do action of a final state runs', () => {
  const ending = normalize({ name: 'ending', initial: 'a', states: { a: { final: true, do: 'report' } } });
  expect(transition(ending, null, START).actions).toEqual([{ kind: 'do', name: 'report', state: 'a' }]);
});

test('$catch takes the catch transition of the state', () => {
  const step = transition(machine, 'shipping', CATCH);
  expect(step.target.name).toBe('cancelled');
  expect(step.actions).toEqual([{ kind: 'transition', name: 'apologize', state: 'cancelled' }]);
});

test('an unhandled event is rejected with the events that the state handles', () => {
  expect(() => transition(machine, 'charging', 'reserved')).toThrow(
    new UnhandledEventError(machine, 'charging', 'reserved', ['charged', 'declined']),
  );
  expect(() => transition(machine, 'charging', 'reserved')).toThrow(
    'Machine "order" has no transition for event "reserved" in state "charging": expected "charged" or "declined".',
  );
  expect(() => transition(machine, 'done', 'again')).toThrow('in state "done": the state handles no events.');
  expect(() => transition(machine, 'charging', CATCH)).toThrow(UnhandledEventError);
  expect(() => transition(machine, null, 'reserved')).toThrow(
    'Machine "order" cannot start with event "reserved": expected "$start".',
  );
  expect(() => transition(machine, 'charging', START)).toThrow(UnhandledEventError);
});

test('an unknown state is rejected with the states of the machine', () => {
  expect(() => transition(machine, 'packing', 'packed')).toThrow(
    'Machine "order" has no state "packing": expected "reserving", "charging"',
  );
  expect(() => eventsOf(machine, 'packing')).toThrow(UnknownStateError);
});

test('inherited properties of JavaScript objects are not states or events', () => {
  for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
    expect(() => transition(machine, name, 'reserved')).toThrow(UnknownStateError);
    expect(() => transition(machine, 'reserving', name)).toThrow(UnhandledEventError);
  }
  const odd = normalize({
    name: 'odd',
    initial: 'constructor',
    states: { constructor: { on: { toString: 'valueOf' } }, valueOf: { final: true } },
  });
  expect(transition(odd, 'constructor', 'toString').target.name).toBe('valueOf');
  expect(eventsOf(odd, 'constructor')).toEqual(['toString']);
});
