import type { JsonObject } from '../../machine';

/**
 * The result of a step's actions. `states` are the entered states in order: several if transitions were local. The context is a copy, which
 * no action can change.
 */
export type StepResult = NextResult | ParkedResult | CompletedResult | StepFailure;

/** The `do` action returned an event, which takes the execution to its next step. */
export interface NextResult {
  readonly kind: 'next';
  readonly states: readonly string[];
  readonly omittedStates?: number;
  readonly event: string;
  readonly context: JsonObject;
}

/** The state waits for an external event. */
export interface ParkedResult {
  readonly kind: 'parked';
  readonly states: readonly string[];
  readonly omittedStates?: number;
  readonly context: JsonObject;
}

/** The execution reached a final state. */
export interface CompletedResult {
  readonly kind: 'completed';
  readonly states: readonly string[];
  readonly omittedStates?: number;
  readonly context: JsonObject;
}

/**
 * A step that is not committed.
 *
 * - `unrunnable`: no deployed definition can run it, so no retry helps;
 * - `died`: too many invocations died while they ran it;
 * - `failed`: an action threw or overran its time, or its result cannot be carried on.
 */
export interface StepFailure {
  readonly kind: 'unrunnable' | 'died' | 'failed';
  readonly states: readonly string[];
  readonly omittedStates?: number;
  /** The state that was being entered. */
  readonly state: string;
  readonly error: Error;
}

/** Returns the state that a step ends in. */
export function lastOf(states: readonly string[]): string {
  const last = states.at(-1);
  if (last === undefined) throw new Error('A step enters at least one state.');
  return last;
}
