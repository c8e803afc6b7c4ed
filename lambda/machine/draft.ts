import type { Backoff, Timeout } from './definition';
import type { Place } from './problem';

/**
 * A machine as it was read, right or wrong, each part with its place: what both forms of a definition come to, and what the rules are
 * checked on. What could not be read is left out; it is among the findings already.
 */
export interface DraftMachine {
  readonly form: Form;
  readonly place: Place;
  /** Empty when it was left out. */
  readonly name: string;
  /** What was declared the initial state. */
  readonly initial: readonly { readonly name: string; readonly place: Place }[];
  /** Absent when they could not be read. */
  readonly states?: readonly DraftState[];
  readonly maxRetries?: number;
  readonly backoff?: Partial<Backoff>;
}

export interface DraftState {
  readonly place: Place;
  /** Empty when it was left out. */
  readonly name: string;
  readonly final: boolean;
  readonly entry?: string;
  readonly do?: string;
  readonly exit?: string;
  /** Absent when they could not be read. */
  readonly transitions?: readonly DraftTransition[];
  readonly catch?: Omit<DraftTransition, 'event'>;
  readonly timeout?: DraftTimeout;
  readonly maxRetries?: number;
  readonly backoff?: Partial<Backoff>;
}

export interface DraftTimeout extends Partial<Timeout> {
  readonly place: Place;
}

export interface DraftTransition {
  readonly place: Place;
  readonly event: string;
  readonly target?: string;
  readonly action?: string;
  readonly local: boolean;
}

/** The form that a definition is written in: the library's own, or the fsm.yaml dialect of aws-lambda-fsm-workflows. */
export type Form = 'own' | 'fsm.yaml';
