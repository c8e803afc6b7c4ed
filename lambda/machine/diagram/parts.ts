import type { Machine, State, Transition } from '../definition';

/** An arrow between two states. */
export interface Arrow {
  readonly source: string;
  readonly target: string;
  readonly kind: 'message' | 'local' | 'catch';
  /** The label in UML notation: `event / action`. */
  readonly label: string;
}

/** Returns the actions of a state in UML notation, `entry / openPayment`, and their time limit. */
export function actionLines(state: State): string[] {
  const actions = (['entry', 'do', 'exit'] as const).flatMap((kind) =>
    state[kind] === undefined ? [] : [`${kind} / ${state[kind]}`],
  );
  return state.timeLimit ? [...actions, `at most ${state.timeLimit.seconds} s`] : actions;
}

/** Returns all arrows of a machine, in the order of the definition. */
export function arrowsOf(machine: Machine): Arrow[] {
  return Object.values(machine.states).flatMap((state) => [
    ...Object.entries(state.on).map(([event, transition]) =>
      arrow(state, transition, transition.local ? 'local' : 'message', eventLabel(state, event)),
    ),
    ...(state.catch ? [arrow(state, state.catch, 'catch')] : []),
  ]);
}

/** Labels an event, with the time after which a timeout sends it. */
function eventLabel({ timeout }: State, event: string): string {
  return timeout?.event === event ? `${event} (after ${timeout.seconds} s)` : event;
}

function arrow(source: State, { target, action }: Transition, kind: Arrow['kind'], event?: string): Arrow {
  const label = [event, kind === 'message' ? undefined : `«${kind}»`, action === undefined ? undefined : `/ ${action}`];
  return { source: source.name, target, kind, label: label.filter((part) => part !== undefined).join(' ') };
}
