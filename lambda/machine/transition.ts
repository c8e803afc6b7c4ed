import { stateOf, type Machine, type State, type Transition } from './definition';
import { UnhandledEventError, UnknownStateError } from './errors';

/** The event that takes a new execution into the initial state. */
export const START = '$start';

/** The event of a state's `catch` transition. */
export const CATCH = '$catch';

/** An action that a step runs. */
export interface PlannedAction {
  /** The position of the action in the transition. */
  readonly kind: 'exit' | 'transition' | 'entry' | 'do';
  /** Name of the action. */
  readonly name: string;
  /** The state that the action belongs to: the source for an `exit` action, the target for all others. */
  readonly state: string;
}

/** The result of one transition. */
export interface Step {
  /** The state that the execution leaves, or `null` at the start. */
  readonly source: string | null;
  /** The event that triggers the transition. */
  readonly event: string;
  /** The state that the execution enters. */
  readonly target: State;
  /** Whether the transition runs in the same invocation, without a message. */
  readonly local: boolean;
  /** The actions to run, in order: exit of the source, then the transition's own, then entry and do of the target. */
  readonly actions: readonly PlannedAction[];
}

/**
 * Computes the transition of an execution in `source` that handles `event`. A pure function: it runs no action.
 *
 * A self-transition leaves the state and enters it again, as in UML, so its exit and entry actions run.
 *
 * @param source name of the execution's state, or `null` (with the event {@link START}) to enter the initial state
 * @param event name of the event, or {@link CATCH} to take the state's `catch` transition
 * @throws UnknownStateError if the machine has no such state
 * @throws UnhandledEventError if the state has no transition for the event
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
 * Lists the events that a state handles, in the order of the definition.
 *
 * @throws UnknownStateError if the machine has no such state
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
