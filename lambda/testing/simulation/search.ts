import { stateOf, type Machine } from '../../machine';
import { SeededRandom } from '../determinism/seeded-random';
import type { FaultRule } from '../faults/faults';

/** Maximum number of runs of a search. */
const MAX_RUNS = 100;

/** One run of a search: the actions that fail in it, and which event a parked execution gets. */
export interface SearchRun {
  readonly random: SeededRandom;
  readonly faults: readonly FaultRule[];
  /** Chooses the event that was sent least often in this state. */
  chooseEvent(machine: Machine, state: string): string | undefined;
}

/**
 * Searches the states that the runs with random seeds have not entered, so that few seeds report the same unreached states as many. It sends
 * each event in each state, and makes the actions of each state with a catch transition fail.
 *
 * The search is no proof: the events that actions return depend on their code and on the contexts.
 */
export async function search(
  machines: readonly Machine[],
  isDone: () => boolean,
  run: (searchRun: SearchRun) => Promise<void>,
): Promise<void> {
  const sent = new Map<string, number>();
  const chooseEvent = ({ name, states }: Machine, state: string): string | undefined => {
    const events = Object.keys(Object.hasOwn(states, state) ? states[state]!.on : {});
    const keyOf = (event: string) => JSON.stringify([name, state, event]);
    const countOf = (event: string) => sent.get(keyOf(event)) ?? 0;
    const event = events.reduce<string | undefined>(
      (least, other) => (least === undefined || countOf(other) < countOf(least) ? other : least),
      undefined,
    );
    if (event !== undefined) sent.set(keyOf(event), countOf(event) + 1);
    return event;
  };
  const plans: readonly (readonly FaultRule[])[] = [[], ...machines.flatMap(failuresOf)];
  const rounds = Math.max(
    2,
    ...machines.flatMap(({ states }) => Object.values(states).map(({ on }) => Object.keys(on).length)),
  );
  for (let index = 0; index < Math.min(MAX_RUNS, plans.length * rounds) && !isDone(); index += 1) {
    await run({ random: new SeededRandom(`search/${index}`), faults: plans[index % plans.length] ?? [], chooseEvent });
  }
}

/** For each state with a catch transition: the failure of its actions. */
function failuresOf(machine: Machine): readonly (readonly FaultRule[])[] {
  return Object.keys(machine.states).flatMap((name) => {
    const state = stateOf(machine, name);
    const actions = state?.catch ? [state.do, state.entry].filter((action) => action !== undefined) : [];
    return actions
      .slice(0, 1)
      .map((action) => [{ on: `actions.${action}` as const, fault: 'fail', effect: 'before' } as const]);
  });
}
