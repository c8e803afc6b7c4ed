import { stateOf, type Machine, type State, type Transition } from './definition';
import { UnhandledEventError, UnknownStateError } from './errors';

/** The event of the pseudo transition that takes a new execution, which is in no state yet, into the initial state. */
export const START = '$start';

/** The event of the transition that a state's `catch` stands for. */
export const CATCH = '$catch';

/** An action that a step runs. */
export interface PlannedAction {
  readonly kind: 'exit' | 'transition' | 'entry' | 'do';
  /** Name of the action. */
  readonly name: string;
  /** The state that it runs for: the one being left for an `exit` action, the one being entered for the others. */
  readonly state: string;
}

/** What one transition comes to. */
export interface Step {
  /** The state that is left, `null` at the start. */
  readonly source: string | null;
  /** The event that is handled. */
  readonly event: string;
  /** The state that is entered. */
  readonly target: State;
  /** Taken in the same invocation, with no message between. */
  readonly local: boolean;
  /** What to run, in this order: exit of the source, action of the transition, entry of the target, do of the target. */
  readonly actions: readonly PlannedAction[];
}

/**
 * What happens when an execution in `source` handles `event`. Pure: it runs nothing and changes nothing.
 *
 * A self transition leaves the state and enters it again, as in UML: its exit and entry actions run.
 *
 * @param source the state that the execution is in, or `null` (with the event {@link START}) to enter the initial state
 * @param event the name of the event, or {@link CATCH} to take the state's `catch` transition
 * @throws UnknownStateError when the machine has no such state
 * @throws UnhandledEventError when the state has no transition for the event
 */
export function transition(machine: Machine, source: string | null, event: string): Step {
  const left = source === null ? undefined : knownState(machine, source);
  const taken = findTransition(machine, left, event);
  const target = knownState(machine, taken.target);
  const actions: PlannedAction[] = [];
  if (left?.exit !== undefined) {
    actions.push({ kind: 'exit', name: left.exit, state: left.name });
  }
  if (taken.action !== undefined) {
    actions.push({ kind: 'transition', name: taken.action, state: target.name });
  }
  if (target.entry !== undefined) {
    actions.push({ kind: 'entry', name: target.entry, state: target.name });
  }
  if (target.do !== undefined) {
    actions.push({ kind: 'do', name: target.do, state: target.name });
  }
  return { source, event, target, local: taken.local, actions };
}

/**
 * The events that a state has transitions for, in the order of the definition.
 *
 * @throws UnknownStateError when the machine has no such state
 */
export function eventsOf(machine: Machine, state: string): string[] {
  return Object.keys(knownState(machine, state).on);
}

function knownState(machine: Machine, name: string): State {
  const state = stateOf(machine, name);
  if (!state) {
    throw new UnknownStateError(machine, name);
  }
  return state;
}

function findTransition(machine: Machine, source: State | undefined, event: string): Transition {
  if (!source) {
    if (event !== START) {
      throw new UnhandledEventError(machine, null, event, [START]);
    }
    return { target: machine.initial, local: false };
  }
  const found = event === CATCH ? source.catch : Object.hasOwn(source.on, event) ? source.on[event] : undefined;
  if (!found) {
    throw new UnhandledEventError(machine, source.name, event, Object.keys(source.on));
  }
  return found;
}
