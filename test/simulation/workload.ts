import type { JsonObject, MachineInput, Run, StateInput, TransitionInput } from '../../lambda/machine';
import { SeededRandom } from '../../lambda/testing';

/** Planted in contexts, data and errors: it must never reach the log. */
export const SECRET = 'planted-secret-7f3a';

/** Nothing goes wrong by itself any more when so many milliseconds are over. */
export const CALM = 150_000;

/** The names of actions, one for each kind. */
export const ACTIONS = ['enter', 'work', 'ask', 'leave', 'move', 'fragile'] as const;

/** Bodies that are no envelopes, and one of another version. */
export const POISON = ['no JSON at all', '{"version":1}', '[]', '{"version":99,"executionId":"e0"}'];

const STATES = 4;

/**
 * A machine that the seed makes up: a chain of states that work, wait (for an event, a callback, or until their time is over) or fail at
 * first, with loops, local transitions and catches.
 */
export function drawMachine(random: SeededRandom): MachineInput {
  const count = random.between(1, STATES);
  const states: Record<string, StateInput> = {
    done: { entry: 'enter', final: true },
    mended: { entry: 'enter', do: 'work', on: { next: 'done' } },
  };
  for (let index = 0; index < count; index += 1) {
    const next = index === count - 1 ? 'done' : `s${index + 1}`;
    const action = random.chance(0.4) ? 'move' : undefined;
    const exit = random.chance(0.4) ? 'leave' : undefined;
    const back: Record<string, string> = random.chance(0.4) ? { back: `s${random.between(0, index)}` } : {};
    switch (random.pick(['work', 'work', 'work', 'wait', 'wait', 'fragile'])) {
      case 'work': {
        const onward: TransitionInput = { target: next, action, local: random.chance(0.25) };
        states[`s${index}`] = { entry: 'enter', do: 'work', exit, on: { next: onward, ...back } };
        break;
      }
      case 'wait':
        states[`s${index}`] = {
          entry: 'enter',
          do: random.chance(0.4) ? 'ask' : undefined,
          exit,
          on: { wake: { target: next, action: 'move' }, ...random.chance(0.3) && { skip: { target: 'mended', action: 'move' } } },
          ...random.chance(0.4) && { timeout: { seconds: random.pick([1, 1, 3, 30, 300, 2_000]), event: 'wake' } },
        };
        break;
      default:
        states[`s${index}`] = {
          entry: 'enter', do: 'fragile', exit, on: { next: { target: next, action } }, maxRetries: random.between(0, 2), ...(random.chance(0.6) && { catch: 'mended' }),
        };
    }
  }
  return { name: 'm', initial: 's0', maxRetries: random.between(2, 5), backoff: { baseSeconds: 1, capSeconds: 8 }, states: withoutUnreachable(states) };
}

/** The same machine as it is deployed later: what runs in a transition has changed, and the states have not. */
export function redefine(machine: MachineInput): MachineInput {
  return {
    ...machine,
    states: Object.fromEntries(Object.entries(machine.states).map(([name, state]) => {
      const on = Object.entries(state.on ?? {}).map(([event, transition]) => [event, withOtherAction(transition)] as const);
      return [name, state.on ? { ...state, on: Object.fromEntries(on) } : state];
    })),
  };
}

function withOtherAction(transition: string | TransitionInput): TransitionInput {
  const { action, ...rest } = typeof transition === 'string' ? { target: transition, action: undefined } : transition;
  return action ? rest : { ...rest, action: 'move' };
}

function withoutUnreachable(states: Record<string, StateInput>): Record<string, StateInput> {
  const uses = (target: string) => Object.values(states).some((state) => (
    state.catch === target || Object.values(state.on ?? {}).some((transition) => typeof transition === 'object' && transition.target === target)
  ));
  const { mended, ...others } = states;
  return mended && uses('mended') ? states : others;
}

/** What an action does of its own accord: the same in every attempt at a step, but for what `attempt` decides. */
export interface Conduct {
  /** Milliseconds that it takes. */
  readonly milliseconds: number;
  readonly throws: boolean;
  /** The event that a `do` action returns. */
  readonly returns?: string;
}

/** Decides from the seed, the execution and the step alone. */
export function conductOf(seed: string, machine: MachineInput, name: string, run: Run, timeout: number): Conduct {
  const random = new SeededRandom(`${seed}/${run.executionId}/${run.step}/${run.state}/${name}`);
  const overruns = run.attempt === 0 && random.chance(0.02);
  // What is slow gets quick some day: many slow actions in one step may be more than an invocation has time for.
  const slow = random.pick([0, 0, 0, 20, 700]);
  const milliseconds = overruns ? timeout + 1_000 : run.attempt < 8 ? slow : 0;
  const failures = random.between(0, 4);
  if (name === 'work') {
    const events = Object.keys(machine.states[run.state]?.on ?? {});
    return { milliseconds, throws: false, returns: run.step > 6 ? 'next' : random.pick(events) };
  }
  return { milliseconds, throws: name === 'fragile' && run.attempt < failures, returns: name === 'fragile' ? 'next' : undefined };
}

/** What an action leaves in the context, by which the model follows the steps that count. */
export interface Mark {
  /** Milliseconds since the epoch by the world's clock. */
  readonly at: number;
  readonly step: number;
  readonly action: string;
  readonly state: string;
  readonly event: string;
  /** The id of the external event, where one was handled. */
  readonly mail?: string;
  readonly returned?: string;
}

/** The marks in a context, which an action has written as text. */
export function marksOf(context: JsonObject | undefined): Mark[] {
  // Only `addMark` writes them.
  return (context?.marks as string[] | undefined ?? []).map((mark) => JSON.parse(mark) as Mark);
}

export function addMark(context: JsonObject, mark: Mark): void {
  context.marks = [...context.marks as string[], JSON.stringify(mark)];
  context.secret = SECRET;
}
