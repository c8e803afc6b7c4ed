/**
 * The model of a validated machine, which the engine, the diagrams and the test kit use.
 *
 * A model is plain JSON with every default filled in, so the CDK app writes it to a file and the runtime reads it back. Names are chosen by
 * users, and a state may be called `constructor`: look names up with {@link stateOf} or `Object.hasOwn`, not by index alone.
 */
export interface Machine {
  /** Name of the machine, unique within a workflow. */
  readonly name: string;
  /** Name of the state that an execution enters first. */
  readonly initial: string;
  /**
   * Maximum number of retries of a failed step, for states that do not set their own: an integer of 0 or more.
   *
   * @default 5
   */
  readonly maxRetries: number;
  /** Delay before each retry, for states that do not set their own. */
  readonly backoff: Backoff;
  /** The states by name. */
  readonly states: Readonly<Record<string, State>>;
}

/** A state of a {@link Machine}. */
export interface State {
  /** Name of the state, unique within the machine: its key in {@link Machine.states}. */
  readonly name: string;
  /** Whether an execution ends in this state. A final state has no transitions. */
  readonly final: boolean;
  /** Name of the action that runs when an execution enters the state. */
  readonly entry?: string;
  /** Name of the action that runs in the state. The event that it returns triggers the next transition. */
  readonly do?: string;
  /** Name of the action that runs when an execution leaves the state. */
  readonly exit?: string;
  /** The transitions from this state, by event. */
  readonly on: Readonly<Record<string, Transition>>;
  /** Maximum number of retries of a failed step into this state. */
  readonly maxRetries: number;
  /** Delay before each retry of a failed step into this state. */
  readonly backoff: Backoff;
  /** The transition to take after the last retry has failed. Without it, the execution fails. */
  readonly catch?: Transition;
  /** Limits how long an execution waits in this state for an event. */
  readonly timeout?: Timeout;
  /** Limits how long each action of the state runs. */
  readonly timeLimit?: TimeLimit;
}

/** Ends an attempt whose action takes too long. */
export interface TimeLimit {
  /** Maximum seconds that an action runs: a number greater than 0, up to 900. */
  readonly seconds: number;
}

/** Sends an event to an execution that has waited in a state for a given time. */
export interface Timeout {
  /** Seconds to wait: an integer from 1 to 31,536,000 (one year). */
  readonly seconds: number;
  /** Name of the event to send. The state must handle it. */
  readonly event: string;
}

/** Leads from one state to the next. */
export interface Transition {
  /** Name of the state to enter. */
  readonly target: string;
  /** Name of the action that runs between the exit action of the source and the entry action of the target. */
  readonly action?: string;
  /** Whether the transition runs in the same invocation, without a message and without a checkpoint. */
  readonly local: boolean;
}

/**
 * Exponential backoff with full jitter: before retry n (from 0), a failed step waits for a random time between 0 and
 * `min(capSeconds, baseSeconds · 2^n)`.
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export interface Backoff {
  /**
   * Upper bound of the first delay, in seconds: a number from 0 to 31,536,000 (one year).
   *
   * @default 1
   */
  readonly baseSeconds: number;
  /**
   * Upper bound of every delay, in seconds: a number from `baseSeconds` to 31,536,000 (one year).
   *
   * @default 60
   */
  readonly capSeconds: number;
}

/** Maximum number of retries of a failed step, unless the definition sets one. */
export const DEFAULT_MAX_RETRIES = 5;

/** Backoff between retries, unless the definition sets one. */
export const DEFAULT_BACKOFF: Backoff = Object.freeze({ baseSeconds: 1, capSeconds: 60 });

/** Lists every use of an action in a machine, with the state that uses it. An action that is used twice is listed twice. */
export function actionNames(machine: Machine): readonly { readonly state: string; readonly action: string }[] {
  return Object.values(machine.states).flatMap((state) => {
    const transitions = [...Object.values(state.on), ...(state.catch ? [state.catch] : [])];
    return [state.entry, state.do, state.exit, ...transitions.map(({ action }) => action)].flatMap((action) =>
      action === undefined ? [] : [{ state: state.name, action }],
    );
  });
}

/** Looks up a state by name. Safe for any name, including those of inherited properties such as `constructor`. */
export function stateOf(machine: Machine, name: string): State | undefined {
  return Object.hasOwn(machine.states, name) ? machine.states[name] : undefined;
}
