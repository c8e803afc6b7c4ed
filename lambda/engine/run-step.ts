import { eventsOf, transition, type Action, type Json, type JsonObject, type Logger, type Machine, type PlannedAction, type Run, type Step } from '../machine';
import type { Envelope } from './envelope';
import { asError, DeadlineError, MissingActionError, UnknownEventError } from './errors';
import { attemptOf, type Lease } from './ports';

/** Finds the code of an action by the name that a machine has for it. */
export type ActionLookup = (machine: string, action: string) => Action | undefined;

/** What running the actions of a step came to. `states` are the states entered, in order: several when transitions were local. */
export type StepResult =
  | { readonly kind: 'next'; readonly states: readonly string[]; readonly event: string; readonly context: JsonObject }
  | { readonly kind: 'parked'; readonly states: readonly string[]; readonly context: JsonObject }
  | { readonly kind: 'completed'; readonly states: readonly string[]; readonly context: JsonObject }
  | { readonly kind: 'failed'; readonly states: readonly string[]; readonly state: string; readonly error: Error };

/** The time at which the actions of an invocation must be done, so that there is time left to send what they came to. */
export interface Deadline {
  /** Aborted then. */
  readonly signal: AbortSignal;
  /** Resolves then. */
  readonly reached: Promise<void>;
  remainingMilliseconds(): number;
}

/** What a step runs with. */
export interface StepInput {
  readonly machine: Machine;
  readonly plan: Step;
  readonly envelope: Envelope;
  readonly lease: Lease;
  readonly actions: ActionLookup;
  readonly logger: Logger;
  readonly deadline: Deadline;
  callbackToken(): Promise<string>;
}

/**
 * Runs the actions of a step: exit of the source, transition action, entry and do of the target, and on through local transitions.
 *
 * The actions work on the context of the given envelope, which must be a copy of their own: it is left half-changed when one fails.
 * When the deadline comes, the result is a failure at once; no further action is started, but the one that runs cannot be stopped.
 */
export async function runStep(input: StepInput): Promise<StepResult> {
  const progress = { states: [] as string[], state: input.plan.target.name };
  try {
    return await Promise.race([runActions(input, progress), aborted(input.deadline, progress)]);
  } catch (thrown) {
    return { kind: 'failed', states: [...progress.states], state: progress.state, error: asError(thrown) };
  }
}

interface Progress {
  readonly states: string[];
  /** The state that is being entered. */
  state: string;
}

async function aborted(deadline: Deadline, progress: Progress): Promise<never> {
  await deadline.reached;
  throw new DeadlineError(progress.state);
}

async function runActions(input: StepInput, progress: Progress): Promise<StepResult> {
  const { machine, envelope: { context } } = input;
  const keys = new IdempotencyKeys(input.envelope);
  // Each step gets its own: that of the invocation would warn of too many listeners when those of a whole batch listen to it.
  const signal = AbortSignal.any([input.deadline.signal]);
  for (let step = input.plan; ; ) {
    progress.state = step.target.name;
    let returned: unknown;
    let doAction = '';
    for (const planned of step.actions) {
      // Not by the signal alone: an invocation that stood still may go on before the timer behind it has fired.
      if (input.deadline.signal.aborted || input.deadline.remainingMilliseconds() === 0) throw new DeadlineError(progress.state);
      const result = await runAction(input, step, planned, keys, signal);
      if (planned.kind === 'do') {
        returned = result;
        doAction = planned.name;
      }
    }
    progress.states.push(step.target.name);
    const states = progress.states;
    if (step.target.final) return { kind: 'completed', states, context };
    if (returned === undefined || returned === null) return { kind: 'parked', states, context };
    const events = eventsOf(machine, step.target.name);
    if (typeof returned !== 'string' || !events.includes(returned)) {
      throw new UnknownEventError(machine.name, step.target.name, doAction, returned, events);
    }
    const following = transition(machine, step.target.name, returned);
    if (!following.local) return { kind: 'next', states, event: returned, context };
    step = following;
  }
}

async function runAction(
  input: StepInput,
  step: Step,
  planned: PlannedAction,
  keys: IdempotencyKeys,
  signal: AbortSignal,
): Promise<unknown> {
  const { machine, envelope, lease } = input;
  const action = input.actions(machine.name, planned.name);
  if (!action) throw new MissingActionError(machine.name, planned.state, planned.name);
  const first = step === input.plan;
  const run: Run = {
    executionId: envelope.executionId,
    machine: machine.name,
    state: planned.state,
    step: envelope.step,
    attempt: attemptOf(lease),
    fence: lease.fence,
    idempotencyKey: keys.of(planned),
    event: step.event,
    data: first ? copyOf(envelope.data) : undefined,
    error: first ? envelope.error : undefined,
    signal,
    remainingMilliseconds: () => input.deadline.remainingMilliseconds(),
    callbackToken: () => input.callbackToken(),
    logger: input.logger,
  };
  return action(envelope.context, run);
}

/** Each action gets its own: one must not see what another has changed in it. */
function copyOf(data: Json | undefined): Json | undefined {
  return data === undefined ? undefined : structuredClone(data);
}

/** Keys that are the same for every attempt at a step and different for each action in it, also when local transitions run one twice. */
class IdempotencyKeys {
  private readonly used = new Map<string, number>();

  constructor(private readonly envelope: Envelope) {}

  public of(planned: PlannedAction): string {
    const key = `${this.envelope.executionId}/${this.envelope.step}/${planned.state}/${planned.kind}`;
    const times = this.used.get(key) ?? 0;
    this.used.set(key, times + 1);
    return times === 0 ? key : `${key}/${times}`;
  }
}
