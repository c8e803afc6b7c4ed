import {
  DEFAULT_BACKOFF,
  DEFAULT_MAX_RETRIES,
  type Backoff,
  type Machine,
  type State,
  type TimeLimit,
  type Timeout,
  type Transition,
} from './definition';
import type { DraftMachine, DraftState, DraftTimeout, DraftTransition } from './draft';

/**
 * Converts a draft into the model. All defaults are applied here.
 *
 * @param draft a draft without errors
 */
export function normalizeDraft(draft: DraftMachine): Machine {
  const [initial] = draft.initial;
  if (!initial) {
    throw new Error('Cannot normalize a draft that has errors.');
  }
  const maxRetries = draft.maxRetries ?? DEFAULT_MAX_RETRIES;
  const backoff = resolveBackoff(draft.backoff, DEFAULT_BACKOFF);
  const states = (draft.states ?? []).map((state) => normalizeState(state, maxRetries, backoff));
  return {
    name: draft.name,
    initial: initial.name,
    maxRetries,
    backoff,
    states: Object.fromEntries(states.map((state) => [state.name, state])),
  };
}

/** Fills in what a backoff omits. */
export function resolveBackoff(own: Partial<Backoff> | undefined, inherited: Backoff): Backoff {
  return {
    baseSeconds: own?.baseSeconds ?? inherited.baseSeconds,
    capSeconds: own?.capSeconds ?? inherited.capSeconds,
  };
}

function normalizeState(draft: DraftState, maxRetries: number, backoff: Backoff): State {
  // The fsm.yaml dialect allows transitions in a final state; aws-lambda-fsm-workflows never takes them.
  const transitions = draft.final ? [] : (draft.transitions ?? []);
  return {
    name: draft.name,
    final: draft.final,
    ...(draft.entry !== undefined && { entry: draft.entry }),
    ...(draft.do !== undefined && { do: draft.do }),
    ...(draft.exit !== undefined && { exit: draft.exit }),
    on: Object.fromEntries(transitions.map((transition) => [transition.event, normalizeTransition(transition)])),
    maxRetries: draft.maxRetries ?? maxRetries,
    backoff: resolveBackoff(draft.backoff, backoff),
    ...(draft.catch && { catch: normalizeTransition(draft.catch) }),
    ...(draft.timeout && { timeout: normalizeTimeout(draft.timeout) }),
    ...(draft.timeLimit && { timeLimit: normalizeTimeLimit(draft.timeLimit) }),
  };
}

function normalizeTimeout({ seconds, event }: DraftTimeout): Timeout {
  if (seconds === undefined || event === undefined) {
    throw new Error('Cannot normalize a draft that has errors.');
  }
  return { seconds, event };
}

function normalizeTimeLimit({ seconds }: Partial<TimeLimit>): TimeLimit {
  if (seconds === undefined) {
    throw new Error('Cannot normalize a draft that has errors.');
  }
  return { seconds };
}

function normalizeTransition({ target, action, local }: Omit<DraftTransition, 'event'>): Transition {
  if (target === undefined) {
    throw new Error('Cannot normalize a draft that has errors.');
  }
  return { target, ...(action !== undefined && { action }), local };
}
