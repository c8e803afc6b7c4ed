import type { Backoff, TimeLimit, Timeout } from './definition';
import type { Place } from './problem';

/**
 * A machine as read from either form of a definition, before the rules are checked: valid or not, each part with its place. Parts that
 * cannot be read are omitted; their problems have been collected.
 */
export interface DraftMachine {
  readonly form: Form;
  readonly place: Place;
  /** Empty if omitted. */
  readonly name: string;
  /** The states that are declared as initial. */
  readonly initial: readonly { readonly name: string; readonly place: Place }[];
  /** Undefined if unreadable. */
  readonly states?: readonly DraftState[];
  readonly maxRetries?: number;
  readonly backoff?: Partial<Backoff>;
}

export interface DraftState {
  readonly place: Place;
  /** Empty if omitted. */
  readonly name: string;
  readonly final: boolean;
  readonly entry?: string;
  readonly do?: string;
  readonly exit?: string;
  /** Undefined if unreadable. */
  readonly transitions?: readonly DraftTransition[];
  readonly catch?: Omit<DraftTransition, 'event'>;
  readonly timeout?: DraftTimeout;
  readonly timeLimit?: Partial<TimeLimit>;
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

/** The form of a definition: this library's, or the fsm.yaml dialect of aws-lambda-fsm-workflows. */
export type Form = 'native' | 'fsm.yaml';
