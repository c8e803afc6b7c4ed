import type { Backoff, TimeLimit, Timeout } from './definition';

/**
 * A machine as written in TypeScript, YAML or JSON. Omitted properties have defaults.
 *
 * Names of machines, states, events and actions have 1 to 255 characters, on one line and without spaces at their start or end. Names of
 * machines, states and events do not begin with `$`.
 */
export interface MachineInput {
  /** Name of the machine, unique within a workflow. */
  readonly name: string;
  /** Name of the state that an execution enters first. */
  readonly initial: string;
  /**
   * Maximum number of retries of a failed step: an integer of 0 or more. States can override it.
   *
   * @default 5
   */
  readonly maxRetries?: number;
  /**
   * Delay before each retry of a failed step. States can override it.
   *
   * @default - a random time of up to 1 s, 2 s, 4 s and so on, at most 60 s
   */
  readonly backoff?: Partial<Backoff>;
  /** The states by name. At least one of them must be final. */
  readonly states: Readonly<Record<string, StateInput>>;
}

/** A state as written in TypeScript, YAML or JSON. */
export interface StateInput {
  /**
   * Whether an execution ends in this state. A final state has no `on`, `catch` or `timeout`.
   *
   * @default false
   */
  readonly final?: boolean;
  /**
   * Name of the action that runs when an execution enters the state.
   *
   * @default - no action
   */
  readonly entry?: string;
  /**
   * Name of the action that runs in the state, after `entry`. The event that it returns triggers the next transition. If it returns
   * nothing, the execution waits until an event is sent to it.
   *
   * @default - no action; the execution waits until an event is sent to it
   */
  readonly do?: string;
  /**
   * Name of the action that runs when an execution leaves the state, before the action of the transition.
   *
   * @default - no action
   */
  readonly exit?: string;
  /**
   * The transitions from this state, by event: the name of the target state, or a transition in full.
   *
   * @default - no transitions; only a final state can omit them
   */
  readonly on?: Readonly<Record<string, string | TransitionInput>>;
  /**
   * Maximum number of retries of a failed step into this state: an integer of 0 or more.
   *
   * @default - the machine's `maxRetries`
   */
  readonly maxRetries?: number;
  /**
   * Delay before each retry of a failed step into this state.
   *
   * @default - the machine's `backoff`
   */
  readonly backoff?: Partial<Backoff>;
  /**
   * The transition to take after the last retry has failed: the name of the target state, or a transition in full.
   *
   * @default - the execution fails
   */
  readonly catch?: string | CatchInput;
  /**
   * Limits how long an execution waits in this state for an event. The time restarts each time the execution starts to wait.
   *
   * @default - the execution waits without a limit
   */
  readonly timeout?: Timeout;
  /**
   * Limits how long each action of the state runs: entry, do and exit, and the actions of the transitions that lead to it. An action that
   * takes longer fails its attempt with a `TimeLimitError`: the step is retried, then caught. `run.signal` aborts at the limit.
   *
   * @default - the remaining time of the invocation
   */
  readonly timeLimit?: TimeLimit;
}

/** A transition as written in full. */
export interface TransitionInput<Target extends string = string> {
  /** Name of the state to enter. */
  readonly target: Target;
  /**
   * Name of the action that runs between the exit action of the source and the entry action of the target.
   *
   * @default - no action
   */
  readonly action?: string;
  /**
   * Whether the transition runs in the same invocation, without a message and without a checkpoint. A retry then repeats the actions on
   * both sides of it.
   *
   * @default false
   */
  readonly local?: boolean;
}

/** A catch transition as written in full. */
export interface CatchInput<Target extends string = string> {
  /** Name of the state to enter. */
  readonly target: Target;
  /**
   * Name of the action that runs before the entry action of the target. It reads the error from `run.error`.
   *
   * @default - no action
   */
  readonly action?: string;
}
