import type { Deadline } from './deadline';
import type { NextResult, StepResult } from './step-result';
import { VisitedStates } from './visited-states';
import {
  eventsOf,
  stateOf,
  transition,
  type Json,
  type JsonObject,
  type Logger,
  type Machine,
  type PlannedAction,
  type Run,
  type Step,
} from '../../machine';
import type { ActionLookup } from '../definitions/actions';
import type { Envelope } from '../envelope/envelope';
import { copyJson } from '../envelope/json';
import { DeadlineError, LocalTransitionsError, MissingActionError, TimeLimitError, UnknownEventError } from '../errors';
import type { Clock, Lease } from '../ports';
import { attemptOf } from '../ports/lock-store';
import { captureError } from '../thrown';
import { within } from '../within';

/** A step whose actions run, and what they run with. */
export interface RunningStep {
  readonly machine: Machine;
  readonly step: Step;
  readonly envelope: Envelope;
  readonly lease: Lease;
  readonly actions: ActionLookup;
  readonly logger: Logger;
  readonly deadline: Deadline;
  readonly clock: Clock;
  callbackToken(): Promise<string>;
}

/** Maximum number of local transitions of one step. */
const MAX_LOCAL_TRANSITIONS = 50_000;

/** Number of local transitions after which other work of the invocation gets a turn, and its timers are seen. */
const TRANSITIONS_PER_TURN = 500;

/** The reason of the signal of an attempt that has ended. Created once: the stack of an error costs more than a short step. */
const ATTEMPT_ENDED = Object.assign(new Error('The attempt has ended: nothing of it may continue.'), {
  name: 'AbortError',
});

interface Progress {
  readonly visited: VisitedStates;
  /** The state that is being entered. */
  state: string;
}

/** An attempt that runs, and the signal of its actions. */
interface Attempt extends RunningStep {
  readonly signal: AbortSignal;
  readonly keyOf: (planned: PlannedAction) => string;
}

/**
 * Runs the actions of a step: exit of the source, transition action, entry and do of the target, and the same for each local transition
 * that follows.
 *
 * The actions work on the context of the envelope and leave it partly changed if one fails. The result has a copy of the context, so an
 * action that left work behind can change nothing any more. At the deadline, and at the time limit of an action, the result is a failure: no
 * further action starts, but the running one cannot be stopped. When the attempt ends, its signal is aborted.
 */
export async function executeActions(running: RunningStep): Promise<StepResult> {
  const progress: Progress = { visited: new VisitedStates(), state: running.step.target.name };
  const { deadline, envelope } = running;
  const ended = new AbortController();
  // One signal per attempt: with the listeners of a whole batch, Node.js would warn of too many listeners on the invocation's signal.
  const signal = AbortSignal.any([deadline.signal, ended.signal]);
  try {
    const attempt: Attempt = { ...running, signal, keyOf: idempotencyKeys(envelope) };
    const result = await Promise.race([executeInOrder(attempt, progress), failAtDeadline(deadline, progress)]);
    ended.abort(ATTEMPT_ENDED);
    return result;
  } catch (thrown) {
    const error = captureError(thrown);
    ended.abort(error);
    return { kind: 'failed', ...progress.visited.list(), state: progress.state, error };
  }
}

async function failAtDeadline(deadline: Deadline, progress: Progress): Promise<never> {
  await deadline.reached;
  throw new DeadlineError(progress.state);
}

async function executeInOrder(attempt: Attempt, progress: Progress): Promise<StepResult> {
  const { machine, deadline, envelope, clock } = attempt;
  const { visited } = progress;
  for (let step = attempt.step, transitions = 0; ; transitions += 1) {
    if (transitions > MAX_LOCAL_TRANSITIONS) {
      throw new LocalTransitionsError(machine.name, step.target.name, MAX_LOCAL_TRANSITIONS);
    }
    if (transitions % TRANSITIONS_PER_TURN === TRANSITIONS_PER_TURN - 1) await clock.sleep(0);
    progress.state = step.target.name;
    let returned: unknown;
    let doAction = '';
    for (const planned of step.actions) {
      // The clock as well as the signal: after a frozen environment thaws, the timer behind the signal may fire late.
      if (deadline.signal.aborted || deadline.remainingMilliseconds() === 0) {
        throw new DeadlineError(progress.state);
      }
      const result = await executeAction(attempt, step, planned);
      if (planned.kind === 'do') {
        returned = result;
        doAction = planned.name;
      }
    }
    visited.add(step.target.name);
    if (step.target.final) return { kind: 'completed', ...resultOf(envelope, visited) };
    if (returned === undefined || returned === null) return { kind: 'parked', ...resultOf(envelope, visited) };
    const events = eventsOf(machine, step.target.name);
    if (typeof returned !== 'string' || !events.includes(returned)) {
      throw new UnknownEventError(machine.name, step.target.name, doAction, returned, events);
    }
    const following = transition(machine, step.target.name, returned);
    if (!following.local) return { kind: 'next', ...resultOf(envelope, visited), event: returned };
    step = following;
  }
}

/** @throws NotJsonError if the actions left a context that JSON cannot represent */
function resultOf(
  { context }: Envelope,
  visited: VisitedStates,
): Pick<NextResult, 'states' | 'omittedStates' | 'context'> {
  // The copy of an object is an object.
  return { ...visited.list(), context: copyJson(context, 'context') as JsonObject };
}

async function executeAction(attempt: Attempt, step: Step, planned: PlannedAction): Promise<unknown> {
  const { clock, deadline, envelope, lease, logger, machine, signal } = attempt;
  const action = attempt.actions(machine.name, planned.name);
  if (!action) throw new MissingActionError(machine.name, planned.state, planned.name);
  const first = step === attempt.step;
  const limit = stateOf(machine, planned.state)?.timeLimit;
  const end = limit ? clock.now() + limit.seconds * 1_000 : Infinity;
  const run: Run = {
    executionId: envelope.executionId,
    incarnation: envelope.incarnation,
    machine: machine.name,
    state: planned.state,
    step: envelope.step,
    attempt: attemptOf(lease),
    fence: lease.fence,
    idempotencyKey: attempt.keyOf(planned),
    event: step.event,
    data: first ? copyOf(envelope.data) : undefined,
    error: first ? envelope.error : undefined,
    signal,
    remainingMilliseconds: () => Math.max(0, Math.min(deadline.remainingMilliseconds(), end - clock.now())),
    callbackToken: () => attempt.callbackToken(),
    logger,
  };
  const running = (async () => action(envelope.context, run))();
  if (limit && !(await within(clock, end, running))) {
    throw new TimeLimitError(machine.name, planned.state, planned.name, limit.seconds);
  }
  return running;
}

/** A copy for each action, so that no action sees the changes of another. */
function copyOf(data: Json | undefined): Json | undefined {
  return data === undefined ? undefined : structuredClone(data);
}

/**
 * Creates the idempotency keys of an attempt: equal for every attempt at a step, and different for each action in it, even if local
 * transitions run an action twice.
 */
function idempotencyKeys({ machine, executionId, incarnation, step }: Envelope): (planned: PlannedAction) => string {
  const uses = new Map<string, number>();
  return ({ kind, state }) => {
    // Escaped, so that a slash in one part makes no other key.
    const key = [machine, executionId, incarnation, step, state, kind].map(encodeURIComponent).join('/');
    const used = uses.get(key) ?? 0;
    uses.set(key, used + 1);
    return used === 0 ? key : `${key}/${used}`;
  };
}
