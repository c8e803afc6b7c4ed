import type { MachineInput } from './input';

/** What JSON can hold. */
export type Json = null | boolean | number | string | Json[] | JsonObject;

/** A JSON object: the context of an execution whose author has given it no type of its own. */
export interface JsonObject {
  [name: string]: Json | undefined;
}

/** Why an execution takes a state's `catch` transition. */
export interface Failure {
  /** Name of the error's class. */
  readonly name: string;
  readonly message: string;
  /** The state whose step failed. */
  readonly state: string;
  /** How often the step was tried: ≥ 1. */
  readonly attempts: number;
}

/** Writes structured log lines that carry the ids of the execution. It never writes the context by itself. */
export interface Logger {
  debug(message: string, fields?: JsonObject): void;
  info(message: string, fields?: JsonObject): void;
  warn(message: string, fields?: JsonObject): void;
  error(message: string, fields?: JsonObject): void;
}

/** What an action is told about the step that it runs in. */
export interface Run {
  readonly executionId: string;
  /** Name of the machine. */
  readonly machine: string;
  /** The state being entered; for an exit action the one being left. */
  readonly state: string;
  /** How many transitions the execution has dispatched before: 0, 1, 2 … */
  readonly step: number;
  /** How often this step was tried before: 0, 1, 2 … */
  readonly attempt: number;
  /**
   * Fence token of the lease: larger than that of every earlier attempt. Storage that remembers the largest can refuse the late writes of
   * an attempt that was replaced.
   */
  readonly fence: number;
  /** The same for every attempt of this action in this step, and for no other: hand it to services that recognise repeated requests. */
  readonly idempotencyKey: string;
  /** The event that is being handled. */
  readonly event: string;
  /** What the sender of the event attached to it. */
  readonly data: Json | undefined;
  /** In a `catch` transition: what went wrong. */
  readonly error: Failure | undefined;
  /** Aborted shortly before the invocation ends. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Milliseconds until the action must have returned; an action that takes longer is retried. */
  remainingMilliseconds(): number;
  /**
   * A token by which whoever is given it can send this execution one event, with `client.complete(token, event)`: for work that is started
   * here and done elsewhere, in a container or by a person. Hand it out, and return nothing; the execution then waits in its state.
   *
   * The token is good for the wait at the end of this very step: all attempts at the step get the same, it cannot be guessed, and it is
   * spent once the execution goes on. It has at most 230 letters, digits, `-`, `_` and `.`.
   */
  callbackToken(): Promise<string>;
}

/**
 * A piece of a workflow's code, called by the name that the machine has for it.
 *
 * It may change the context, which is then carried to the next step. It must be idempotent: a step that fails half-way is run again from
 * its beginning, with the context as it was before. What a `do` action returns is the event that takes the execution on; when it returns
 * nothing, the execution waits in its state until an event is sent to it. Entry, exit and transition actions return nothing.
 */
export type Action<Context = JsonObject, Event extends string = string> =
  (context: Context, run: Run) => Promise<Event | void> | Event | void;

/** Actions by name. */
export type Actions = Readonly<Record<string, Action>>;

/** A machine together with the code of its actions. */
export interface Implementation {
  /** The definition as its author gave it. */
  readonly machine: MachineInput;
  readonly actions: Actions;
}
