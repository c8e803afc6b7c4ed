import type { Mark } from './workload';
import type { MachineInput } from '../../lambda/machine';

/** An action that the definition requires. */
interface Expected {
  readonly action: string;
  readonly state: string;
}

/** The position of a walk: the states that the machine may be in, and the event that continues it. */
interface Position {
  readonly state: string | null;
  /** `undefined` while the walk waits for any external event. */
  readonly event: string | undefined;
  readonly step: number;
}

/** The end of a walk that the definition allows. */
export interface Walked {
  /** The state of the execution after the last mark. */
  readonly state: string;
  readonly step: number;
  /** The steps that must have exhausted their retries, because a catch transition follows, and the states that they were entering. */
  readonly caught: readonly { readonly step: number; readonly state: string }[];
  /** The external events that were taken, in order. */
  readonly mails: readonly Taken[];
  /** The waits that a timeout ended. */
  readonly timeouts: readonly { readonly step: number; readonly at: number; readonly seconds: number }[];
}

/** An external event that ended the wait of a step. */
export interface Taken {
  readonly id: string;
  readonly event: string;
  readonly step: number;
}

/**
 * Follows the marks of an execution through the definition: each step in order, each of its actions once and in order, each event the one
 * that the previous step returned.
 *
 * @param definitions the deployed definitions: each transition follows one of them
 * @returns the end of the walk, or a description of the violation
 */
export function walk(definitions: readonly MachineInput[], marks: readonly Mark[]): Walked | string {
  let position: Position = { state: null, event: '$start', step: 0 };
  const caught: { step: number; state: string }[] = [];
  const mails: Taken[] = [];
  const timeouts: { step: number; at: number; seconds: number }[] = [];
  let state = '';
  let index = 0;
  while (index < marks.length) {
    const mark = marks[index] as Mark;
    if (mark.event === '$catch') {
      const source = failedState(definitions, position, mark, marks[index + 1]);
      if (source === undefined) {
        return `no catch transition leads to ${text(mark)} at step ${mark.step}, after step ${position.step} from ${position.state}`;
      }
      caught.push({ step: mark.step - 1, state: source });
      position = { state: source, event: '$catch', step: mark.step };
    }
    if (mark.step !== position.step) {
      return `expected step ${position.step}, but found step ${mark.step}: ${text(mark)}`;
    }
    if (position.event !== undefined && mark.event !== position.event) {
      return `expected event "${position.event}", but found "${mark.event}": ${text(mark)}`;
    }
    const from: Position = position;
    const taken = definitions
      .map((machine) => match(machine, from, mark.event, marks, index))
      .find((found) => found !== undefined);
    if (!taken) {
      return `the actions of event "${mark.event}" from state ${position.state} at step ${position.step} are not those of the definition: ${marks
        .slice(index, index + 4)
        .map(text)
        .join(', ')}`;
    }
    if (from.event === undefined) {
      const step = mark.step - 1;
      const timeout = definitions[0]?.states[from.state ?? '']?.timeout;
      if (mark.mail !== undefined) mails.push({ id: mark.mail, event: mark.event, step });
      else if (timeout?.event === mark.event) timeouts.push({ step, at: mark.at, seconds: timeout.seconds });
      else return `step ${mark.step} was taken without an external event`;
    }
    index += taken.count;
    state = taken.state;
    const returned = marks[index - 1]?.returned;
    const transition = returned === undefined ? undefined : findTransition(definitions[0], state, returned);
    position = { state, event: returned, step: position.step + (transition?.local ? 0 : 1) };
  }
  return { state, step: marks.at(-1)?.step ?? -1, caught, mails, timeouts };
}

/** Counts the marks that the actions of a transition left, if they match. */
function match(machine: MachineInput, from: Position, event: string, marks: readonly Mark[], index: number) {
  const transition =
    from.state === null ? { target: machine.initial, action: undefined } : findTransition(machine, from.state, event);
  const target = transition && machine.states[transition.target];
  if (!transition || !target) return undefined;
  const exit = from.state === null ? undefined : machine.states[from.state]?.exit;
  const expected: Expected[] = [
    ...(exit && from.state !== null ? [{ action: exit, state: from.state }] : []),
    ...[transition.action, target.entry, target.do].flatMap((action) =>
      action ? [{ action, state: transition.target }] : [],
    ),
  ];
  // Only the actions of the transition receive the data of the event.
  const mail = from.event === undefined ? marks[index]?.mail : undefined;
  const fits = expected.every(({ action, state }, offset) => {
    const mark = marks[index + offset];
    return (
      mark?.mail === mail &&
      mark?.action === action &&
      mark.state === state &&
      mark.event === event &&
      mark.step === from.step
    );
  });
  return fits ? { count: expected.length, state: transition.target } : undefined;
}

/** Finds the state that the failed step was entering: the target, or a state after local transitions, whose catch leads to the mark. */
function failedState(
  definitions: readonly MachineInput[],
  from: Position,
  mark: Mark,
  next: Mark | undefined,
): string | undefined {
  for (const machine of definitions) {
    const events = from.event === undefined ? Object.keys(machine.states[from.state ?? '']?.on ?? {}) : [from.event];
    const candidates = events.map((event) =>
      from.state === null ? machine.initial : findTransition(machine, from.state, event)?.target,
    );
    for (const candidate of candidates) {
      for (let state = candidate, hops = 0; state !== undefined && hops < 5; hops += 1) {
        const target = machine.states[state]?.catch;
        const entered = mark.action === 'leave' ? next?.state : mark.state;
        if (target !== undefined && target === entered && mark.step === from.step + 1) return state;
        const onward = machine.states[state]?.on?.next;
        state = typeof onward === 'object' && onward.local ? onward.target : undefined;
      }
    }
  }
  return undefined;
}

function findTransition(machine: MachineInput | undefined, state: string, event: string) {
  const found = event === '$catch' ? machine?.states[state]?.catch : machine?.states[state]?.on?.[event];
  if (typeof found === 'string') return { target: found, action: undefined, local: false };
  return (
    found && { target: found.target, action: found.action, local: 'local' in found ? (found.local ?? false) : false }
  );
}

function text({ step, action, state, event, returned }: Mark): string {
  return `${step}:${action}(${state}, ${event}${returned ? ` → ${returned}` : ''})`;
}
