import type { Backoff, Timeout } from './definition';

/** A machine as an author writes it, in TypeScript, YAML or JSON. What is left out gets its default when it is normalised. */
export interface MachineInput {
  /** Unique among the machines of a workflow. */
  readonly name: string;
  /** Name of the state that an execution enters first. */
  readonly initial: string;
  /**
   * How often a failed step is tried again: an integer ≥ 0.
   *
   * @default 5
   */
  readonly maxRetries?: number;
  /**
   * How long a failed step waits before it is tried again.
   *
   * @default - a random time of up to 1 s, 2 s, 4 s … and at most 60 s
   */
  readonly backoff?: Partial<Backoff>;
  /** The states by name. */
  readonly states: Readonly<Record<string, StateInput>>;
}

/** A state as an author writes it. */
export interface StateInput {
  /**
   * Whether an execution ends here. A final state has neither `on` nor `catch`.
   *
   * @default false
   */
  readonly final?: boolean;
  /** Name of the action that runs when the state is entered. */
  readonly entry?: string;
  /** Name of the action that runs in the state; the event that it returns takes the execution on. */
  readonly do?: string;
  /** Name of the action that runs when the state is left. */
  readonly exit?: string;
  /** The outgoing transitions by event: the name of the target state, or a transition in full. */
  readonly on?: Readonly<Record<string, string | TransitionInput>>;
  /**
   * How often a failed step into this state is tried again: an integer ≥ 0.
   *
   * @default - as the machine says
   */
  readonly maxRetries?: number;
  /**
   * How long a failed step into this state waits before it is tried again.
   *
   * @default - as the machine says
   */
  readonly backoff?: Partial<Backoff>;
  /**
   * Where the execution goes when the last retry has failed.
   *
   * @default - it fails
   */
  readonly catch?: string | CatchInput;
  /**
   * How long an execution that is parked in this state waits for an event, and the event that it is sent then. It counts from each time
   * that it parks.
   *
   * @default - it waits until an event is sent
   */
  readonly timeout?: Timeout;
}

/** A transition as an author writes it in full. */
export interface TransitionInput<Target extends string = string> {
  /** Name of the state that is entered. */
  readonly target: Target;
  /** Name of the action that runs between the exit of the source and the entry of the target. */
  readonly action?: string;
  /**
   * Taken in the same invocation, with no message and no checkpoint between.
   *
   * @default false
   */
  readonly local?: boolean;
}

/** A catch transition as an author writes it in full. */
export interface CatchInput<Target extends string = string> {
  /** Name of the state that is entered. */
  readonly target: Target;
  /** Name of the action that runs before the entry of the target. */
  readonly action?: string;
}
