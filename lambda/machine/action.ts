import type { MachineInput } from './input';

/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | JsonObject;

/** A JSON object: the default type of an execution's context. */
export interface JsonObject {
  /** A property of the object. Properties that are `undefined` are omitted from the JSON text. */
  [name: string]: Json | undefined;
}

/** An error as text. Long texts are shortened, and deep causes omitted. */
export interface ErrorDescription {
  /** Name of the error's class: at most 256 characters. */
  readonly name: string;
  /** The error's message: at most 1,000 characters. */
  readonly message: string;
  /** The `cause` of the error, if it has one. */
  readonly cause?: ErrorDescription;
  /** The `errors` of an `AggregateError`: at most 10. */
  readonly errors?: readonly ErrorDescription[];
}

/** The error that made a step fail. */
export interface Failure extends ErrorDescription {
  /** Name of the state whose step failed. */
  readonly state: string;
  /** Number of attempts at the step: 1 or more. */
  readonly attempts: number;
}

/**
 * Additional fields of a log line, under its member `fields`: any values. What JSON cannot represent is written as text, and an error with its
 * name, message, stack and causes.
 */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Writes structured log lines that carry the ids of the execution. They contain no context unless you add it. No argument makes a call throw.
 */
export interface Logger {
  /** Writes a line at level DEBUG, with additional fields. */
  debug(message: string, fields?: LogFields): void;
  /** Writes a line at level INFO, with additional fields. */
  info(message: string, fields?: LogFields): void;
  /** Writes a line at level WARN, with additional fields. */
  warn(message: string, fields?: LogFields): void;
  /** Writes a line at level ERROR, with additional fields. */
  error(message: string, fields?: LogFields): void;
}

/** Describes the step in which an action runs. */
export interface Run<Data = Json | undefined> {
  /** Id of the execution. */
  readonly executionId: string;
  /** Random name of the execution. It tells apart executions that have the same id, one after the other. */
  readonly incarnation: string;
  /** Name of the machine. */
  readonly machine: string;
  /** Name of the state that the execution enters; for an exit action, of the state that it leaves. */
  readonly state: string;
  /** Number of transitions that the execution has dispatched so far, from 0. */
  readonly step: number;
  /** Number of earlier attempts at this step: 0 in the first one. */
  readonly attempt: number;
  /**
   * Fence token of the lease, larger than in all earlier attempts. A store that keeps the largest token it has seen can refuse late writes
   * of an attempt that was replaced.
   *
   * @see https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html
   */
  readonly fence: number;
  /** Identifies this action in this step: equal in all attempts, and different from all others. Pass it to services with idempotent requests. */
  readonly idempotencyKey: string;
  /** Name of the event that triggered the step. */
  readonly event: string;
  /** The data that the sender attached to the event, if any. Its declared type is not checked at run time. */
  readonly data: Data;
  /** In a `catch` transition, the error of the last attempt; otherwise `undefined`. */
  readonly error: Failure | undefined;
  /**
   * Aborts when the attempt ends, in whatever way: shortly before the invocation ends, at the time limit of the state, when an action of the
   * step throws, and after the last action. Pass it to requests, so that they end in time and nothing of the attempt is left behind.
   */
  readonly signal: AbortSignal;
  /** Writes log lines with the ids of this execution. */
  readonly logger: Logger;
  /** Returns the time in which the action must complete, in milliseconds. A step whose action takes longer is retried. */
  remainingMilliseconds(): number;
  /**
   * Creates a token with which its holder can send this execution one event: `client.complete(token, event)`. Use it for work that an action
   * starts and that completes elsewhere, in a container or by a person: pass the token on, and return nothing, so that the execution waits.
   *
   * The token is valid for the wait at the end of this step, and expires when the execution continues. All attempts at the step get the same
   * token. It cannot be guessed. It has at most 230 characters: letters, digits, `-`, `_` and `.`.
   */
  callbackToken(): Promise<string>;
}

/**
 * The code of an action, called by the name that the machine gives it.
 *
 * An action may change the context; the next step receives the changed context. It must be idempotent: a failed step runs again from its
 * first action, with the original context. The event that a `do` action returns triggers the next transition; if it returns nothing, the
 * execution waits until an event is sent to it. Entry, exit and transition actions return nothing.
 */
export type Action<Context = JsonObject, Event extends string = string, Data = Json | undefined> = (
  context: Context,
  run: Run<Data>,
) => Promise<Event | void> | Event | void;

/** Actions by name. */
export type Actions = Readonly<Record<string, Action>>;

/** A machine with the code of its actions. */
export interface Implementation<M extends MachineInput = MachineInput> {
  /** The definition, as passed to `implement`. */
  readonly machine: M;
  /** The actions by name. */
  readonly actions: Actions;
}
