import { DEFAULT_BACKOFF, DEFAULT_MAX_RETRIES, type Backoff, type Machine, type State, type Timeout, type Transition } from './definition';
import type { DraftMachine, DraftState, DraftTimeout, DraftTransition } from './draft';

/**
 * Turns a draft into the model; the only place that knows the defaults.
 *
 * @param draft a draft that the rules have found no error in
 */
export function normalizeDraft(draft: DraftMachine): Machine {
  const [initial] = draft.initial;
  if (!initial) {
    throw new Error('A draft with errors was to be normalised.');
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

/** A backoff with what it leaves out filled in. */
export function resolveBackoff(own: Partial<Backoff> | undefined, inherited: Backoff): Backoff {
  return {
    baseSeconds: own?.baseSeconds ?? inherited.baseSeconds,
    capSeconds: own?.capSeconds ?? inherited.capSeconds,
  };
}

function normalizeState(draft: DraftState, maxRetries: number, backoff: Backoff): State {
  // The fsm.yaml dialect allows transitions out of final states; its system never takes them.
  const transitions = draft.final ? [] : draft.transitions ?? [];
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
  };
}

function normalizeTimeout({ seconds, event }: DraftTimeout): Timeout {
  if (seconds === undefined || event === undefined) {
    throw new Error('A draft with errors was to be normalised.');
  }
  return { seconds, event };
}

function normalizeTransition({ target, action, local }: Omit<DraftTransition, 'event'>): Transition {
  if (target === undefined) {
    throw new Error('A draft with errors was to be normalised.');
  }
  return { target, ...(action !== undefined && { action }), local };
}
