/**
 * The normalised model of a machine: what the validator has passed and the engine, the diagrams and the test kit work with.
 *
 * It is plain JSON with every default filled in, so it can be written to a file at synth and read back by the runtime.
 * Records are keyed by the names that users choose; look names up with {@link stateOf} and `Object.hasOwn`, never with a bare index:
 * a state may well be called `constructor`.
 */
export interface Machine {
  /** Unique among the machines of a workflow. */
  readonly name: string;
  /** Name of the state that an execution enters first. */
  readonly initial: string;
  /**
   * How often a failed step is tried again, for the states that do not say so themselves: an integer ≥ 0.
   *
   * @default 5
   */
  readonly maxRetries: number;
  /** How long a failed step waits, for the states that do not say so themselves. */
  readonly backoff: Backoff;
  /** The states by name. */
  readonly states: Readonly<Record<string, State>>;
}

/** One state of a {@link Machine}. */
export interface State {
  /** Unique within the machine; the key of this state in {@link Machine.states}. */
  readonly name: string;
  /** Whether an execution ends here. A final state has no transitions. */
  readonly final: boolean;
  /** Name of the action that runs when the state is entered. */
  readonly entry?: string;
  /** Name of the action that runs in the state; the event that it returns takes the execution on. */
  readonly do?: string;
  /** Name of the action that runs when the state is left. */
  readonly exit?: string;
  /** The outgoing transitions by event. */
  readonly on: Readonly<Record<string, Transition>>;
  /** How often a failed step into this state is tried again: the state's own number, or else the machine's. */
  readonly maxRetries: number;
  /** How long a failed step into this state waits: the state's own setting, or else the machine's. */
  readonly backoff: Backoff;
  /** Taken when the last retry has failed; without it the execution fails. */
  readonly catch?: Transition;
  /** How long an execution waits here for an event, and the event that comes then. */
  readonly timeout?: Timeout;
}

/** The end of a wait: an execution that is parked in the state so long is sent the event. */
export interface Timeout {
  /** An integer from 1 to 31,536,000 (a year). */
  readonly seconds: number;
  /** One that the state handles. */
  readonly event: string;
}

/** What leads from one state to the next. */
export interface Transition {
  /** Name of the state that is entered. */
  readonly target: string;
  /** Name of the action that runs between the exit of the source and the entry of the target. */
  readonly action?: string;
  /** Taken in the same invocation, with no message and no checkpoint between. */
  readonly local: boolean;
}

/** How long a failed step waits: a random time between 0 and `min(capSeconds, baseSeconds · 2^attempt)` (full jitter). */
export interface Backoff {
  /**
   * Upper bound of the first wait, in seconds: ≥ 0.
   *
   * @default 1
   */
  readonly baseSeconds: number;
  /**
   * Upper bound of every wait, in seconds: at least `baseSeconds`.
   *
   * @default 60
   */
  readonly capSeconds: number;
}

/** How often a failed step is tried again when the definition does not say. */
export const DEFAULT_MAX_RETRIES = 5;

/** How long a failed step waits when the definition does not say. */
export const DEFAULT_BACKOFF: Backoff = Object.freeze({ baseSeconds: 1, capSeconds: 60 });

/** The names of all actions of a machine, each with the state that names it, as often as one does. */
export function actionNames(machine: Machine): readonly { readonly state: string; readonly action: string }[] {
  return Object.values(machine.states).flatMap((state) => {
    const transitions = [...Object.values(state.on), ...(state.catch ? [state.catch] : [])];
    return [state.entry, state.do, state.exit, ...transitions.map(({ action }) => action)]
      .flatMap((action) => action === undefined ? [] : [{ state: state.name, action }]);
  });
}

/** Looks a state up by its name, safely for any name. */
export function stateOf(machine: Machine, name: string): State | undefined {
  return Object.hasOwn(machine.states, name) ? machine.states[name] : undefined;
}
