import { drawError, drawValue } from './odd';
import type { JsonObject, MachineInput, Run, StateInput, TransitionInput } from '../../lambda/machine';
import { SeededRandom } from '../../lambda/testing';

/** Planted in contexts, data and errors. It must never reach the log. */
export const SECRET = 'planted-secret-7f3a';

/** Milliseconds after which no fault occurs. */
export const CALM = 150_000;

/** Put into contexts. In some runs, a service refuses everything that contains it, however often it is sent. */
export const REFUSED = 'refused-content-41c9';

/**
 * Milliseconds after which no service refuses content: long enough after the calm that every retry is done. A step has at most a dozen
 * attempts, each with a backoff, a minute until a retry table is read, and its lease.
 */
export const ACCEPTED = CALM + 40 * 60_000;

/** The names of actions, one for each kind. */
export const ACTIONS = ['enter', 'work', 'ask', 'leave', 'move', 'fragile'] as const;

/** Messages that are not envelopes, and one of another version. */
export const POISON = ['no JSON at all', '{"version":1}', '[]', '{"version":99,"executionId":"e0"}'];

const STATES = 4;

/**
 * Draws a machine: a chain of states that work, wait (for an event, a callback or a timeout) or fail at first, with loops, local transitions
 * and catches. Some states limit the time of their actions.
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
          on: {
            wake: { target: next, action: 'move' },
            ...(random.chance(0.3) && { skip: { target: 'mended', action: 'move' } }),
          },
          ...(random.chance(0.4) && { timeout: { seconds: random.pick([1, 1, 3, 30, 300, 2_000]), event: 'wake' } }),
        };
        break;
      default:
        states[`s${index}`] = {
          entry: 'enter',
          do: 'fragile',
          exit,
          on: { next: { target: next, action } },
          maxRetries: random.between(0, 2),
          ...(random.chance(0.6) && { catch: 'mended' }),
        };
    }
  }
  return {
    name: 'm',
    initial: 's0',
    maxRetries: random.between(2, 5),
    backoff: { baseSeconds: 1, capSeconds: 8 },
    states: withTimeLimits(random.fork('time limits'), withoutUnreachable(states)),
  };
}

/** Returns the next definition of the machine: the actions of its transitions differ, and its states are the same. */
export function redefine(machine: MachineInput): MachineInput {
  return {
    ...machine,
    states: Object.fromEntries(
      Object.entries(machine.states).map(([name, state]) => {
        const on = Object.entries(state.on ?? {}).map(
          ([event, transition]) => [event, withOtherAction(transition)] as const,
        );
        return [name, state.on ? { ...state, on: Object.fromEntries(on) } : state];
      }),
    ),
  };
}

function withOtherAction(transition: string | TransitionInput): TransitionInput {
  const { action, ...rest } = typeof transition === 'string' ? { target: transition, action: undefined } : transition;
  return action ? rest : { ...rest, action: 'move' };
}

function withoutUnreachable(states: Record<string, StateInput>): Record<string, StateInput> {
  const uses = (target: string) =>
    Object.values(states).some(
      (state) =>
        state.catch === target ||
        Object.values(state.on ?? {}).some(
          (transition) => typeof transition === 'object' && transition.target === target,
        ),
    );
  const { mended, ...others } = states;
  return mended && uses('mended') ? states : others;
}

/** Limits the time of some states. An action that does not hang takes less. */
function withTimeLimits(random: SeededRandom, states: Record<string, StateInput>): Record<string, StateInput> {
  return Object.fromEntries(
    Object.entries(states).map(([name, state]) => [
      name,
      state.do && random.chance(0.25) ? { ...state, timeLimit: { seconds: random.pick([1, 2]) } } : state,
    ]),
  );
}

/** The behavior of an action: equal in every attempt at a step, except where it depends on `attempt`. */
export interface Conduct {
  /** Duration in milliseconds. */
  readonly milliseconds: number;
  readonly throws: boolean;
  /** Whether it ends its invocation. */
  readonly kills: boolean;
  /** Whether it waits for something that never happens, until its time limit ends the attempt. */
  readonly hangs: boolean;
  /** Milliseconds for which it computes: no other code of its environment runs meanwhile. */
  readonly computes: number;
  /** Returns a value that it stores in the context, and that no context may have; absent if it stores none. */
  readonly stores?: () => unknown;
  /** Whether it leaves work behind that changes the context when the attempt has ended. */
  readonly leaves: boolean;
  /** Returns what it throws, if it throws. */
  readonly thrown: (message: string) => unknown;
  /** The event that a `do` action returns. */
  readonly returns?: string;
}

/** Decides the behavior of an action from the seed, the execution and the step alone. */
export function conductOf(seed: string, machine: MachineInput, name: string, run: Run, timeout: number): Conduct {
  const random = new SeededRandom(`${seed}/${run.executionId}/${run.step}/${run.state}/${name}`);
  const overruns = run.attempt === 0 && random.chance(0.02);
  // A slow action becomes fast after some attempts: an invocation may be too short for many slow actions in one step.
  const slow = random.pick([0, 0, 0, 20, 700]);
  const milliseconds = overruns ? timeout + 1_000 : run.attempt < 8 ? slow : 0;
  const failures = random.between(0, 4);
  const oddly = new SeededRandom(`${seed}/oddly/${run.executionId}/${run.step}/${run.state}/${name}`);
  const isLimited = machine.states[run.state]?.timeLimit !== undefined;
  const odd = {
    hangs: oddly.chance(0.2) && isLimited && run.attempt < oddly.between(1, 3),
    computes: oddly.chance(0.02) && run.attempt === 0 ? oddly.pick([300, 3_000, timeout + 1_000]) : 0,
    stores: oddly.chance(0.02) && run.attempt === 0 ? drawValue(oddly) : undefined,
    leaves: oddly.chance(0.05),
    thrown: drawError(oddly),
  };
  const deadly = new SeededRandom(`${seed}/deadly/${run.executionId}/${run.step}/${run.state}/${name}`);
  const kills = deadly.chance(0.02) && run.attempt < deadly.between(1, 9);
  if (name === 'work') {
    const events = Object.keys(machine.states[run.state]?.on ?? {});
    return { ...odd, milliseconds, throws: false, kills, returns: run.step > 6 ? 'next' : random.pick(events) };
  }
  return {
    ...odd,
    milliseconds,
    kills,
    throws: name === 'fragile' && run.attempt < failures,
    returns: name === 'fragile' ? 'next' : undefined,
  };
}

/** The trace that an action leaves in the context, from which the model reconstructs the committed steps. */
export interface Mark {
  /** Milliseconds since the epoch, by the clock of the simulation. */
  readonly at: number;
  readonly step: number;
  readonly action: string;
  readonly state: string;
  readonly event: string;
  /** The id of the external event that the action handled, if any. */
  readonly mail?: string;
  readonly returned?: string;
}

/** Reads the marks in a context. */
export function marksOf(context: JsonObject | undefined): Mark[] {
  // Only `addMark` writes this member.
  return ((context?.marks as string[] | undefined) ?? []).map((mark) => JSON.parse(mark) as Mark);
}

export function addMark(context: JsonObject, mark: Mark): void {
  context.marks = [...(context.marks as string[]), JSON.stringify(mark)];
  context.secret = SECRET;
}
