import { stateOf, type Machine, type State } from './definition';

/** The events that each state, and every state that an execution can reach from it, handles. Computed once for each state that is asked for. */
const REACHABLE = new WeakMap<Machine, Map<string, readonly string[]>>();

/**
 * Lists the events that a state or any state after it handles, in the order in which a walk from the state finds them. No other event can
 * move an execution that is in the state.
 *
 * @returns an empty list if the machine has no such state
 */
export function reachableEvents(machine: Machine, state: string): readonly string[] {
  const known = REACHABLE.get(machine) ?? new Map<string, readonly string[]>();
  REACHABLE.set(machine, known);
  const events = known.get(state) ?? eventsFrom(machine, state, targetsOf);
  known.set(state, events);
  return events;
}

/** Lists the events that an execution can wait for at the end of a step that enters a state: local transitions may follow in the same step. */
export function eventsOfStep(machine: Machine, state: string): readonly string[] {
  return eventsFrom(machine, state, ({ on }) =>
    Object.values(on).flatMap(({ target, local }) => (local ? [target] : [])),
  );
}

function eventsFrom(machine: Machine, start: string, next: (state: State) => readonly string[]): readonly string[] {
  const events = new Set<string>();
  const states = new Set([start]);
  // A set includes elements that are added during the iteration.
  for (const name of states) {
    const state = stateOf(machine, name);
    if (!state) continue;
    Object.keys(state.on).forEach((event) => events.add(event));
    next(state).forEach((target) => states.add(target));
  }
  return [...events];
}

function targetsOf(state: State): readonly string[] {
  const targets = Object.values(state.on).map(({ target }) => target);
  return state.catch ? [...targets, state.catch.target] : targets;
}
