import { DEFAULT_BACKOFF, type Backoff } from './definition';
import type { DraftMachine, DraftState, DraftTransition } from './draft';
import { nearest } from './nearest';
import { resolveBackoff } from './normalize';
import { enumerate, type Place, type ProblemCollector } from './problem';
import { quote } from './quote';

/** Checks that the names of machines in one workflow are unique. */
export function checkMachineNames(
  machines: readonly { readonly name: string; readonly place: Place }[],
  problems: ProblemCollector,
): void {
  reportDuplicates(
    machines.filter(({ name }) => name !== ''),
    'machine',
    problems,
  );
}

/** Checks everything that depends on more than one property of a machine. */
export function checkMachine(machine: DraftMachine, problems: ProblemCollector): void {
  if (!machine.states) {
    return;
  }
  if (machine.states.length === 0) {
    problems.error(machine.place, 'The machine has no states', 'Add at least one state with "final: true".');
    return;
  }
  // Missing names have been reported, and no transition can lead to a state without a name.
  const states = machine.states.filter((state) => state.name !== '');
  const graph = new Graph(states);
  const duplicates = reportDuplicates(states, 'state', problems);
  checkInitial(machine, graph, problems);
  for (const state of machine.states) {
    checkTransitions(machine, state, graph, problems);
  }
  checkEnds(
    machine,
    states.filter((state) => !duplicates.has(state)),
    graph,
    problems,
  );
  checkBackoffs(machine, problems);
}

/** A definition with more unknown names than this has other problems than typos. */
const MAX_SUGGESTIONS = 100;

/** The states and the targets of their transitions. */
class Graph {
  public readonly names: ReadonlySet<string>;
  /** The names as a list for messages. */
  public readonly choices: string;
  private readonly successors = new Map<string, Set<string>>();
  /** States with an unreadable transition, whose target is unknown. */
  public readonly unread = new Set<string>();
  /** States with a transition to a state that does not exist. */
  private readonly dangling = new Set<string>();
  /** The most similar state for each unknown name. */
  private readonly suggestions = new Map<string, string | undefined>();

  constructor(states: readonly DraftState[]) {
    this.names = new Set(states.map((state) => state.name));
    this.choices = enumerate([...this.names], 'or');
    for (const { name, transitions, catch: caught } of states) {
      const targets = this.successors.get(name) ?? new Set<string>();
      if (!transitions) {
        this.unread.add(name);
      }
      for (const { target } of [...(transitions ?? []), ...(caught ? [caught] : [])]) {
        const found = this.find(target);
        if (found !== undefined) {
          targets.add(found);
        } else {
          (target === undefined ? this.unread : this.dangling).add(name);
        }
      }
      this.successors.set(name, targets);
    }
  }

  /**
   * Returns the state of this name, or the most similar one: a misspelled target then causes one problem, and does not make other states
   * unreachable.
   */
  public find(name: string | undefined): string | undefined {
    if (name === undefined || this.names.has(name)) {
      return name;
    }
    // Each search compares every state, so the number of searches is limited.
    if (!this.suggestions.has(name) && this.suggestions.size < MAX_SUGGESTIONS) {
      this.suggestions.set(name, nearest(name, this.names));
    }
    return this.suggestions.get(name);
  }

  /** Returns all states that can be reached from the given ones, themselves included. */
  public reachableFrom(names: readonly string[]): Set<string> {
    return closure(names, (name) => this.successors.get(name) ?? []);
  }

  /** Returns all states from which a path leads to one of the given ones, or might through an unknown target. */
  public leadingTo(names: readonly string[]): Set<string> {
    const predecessors = new Map<string, string[]>();
    for (const [from, targets] of this.successors) {
      for (const to of targets) {
        const known = predecessors.get(to);
        if (known) {
          known.push(from);
        } else {
          predecessors.set(to, [from]);
        }
      }
    }
    return closure([...names, ...this.unread, ...this.dangling], (name) => predecessors.get(name) ?? []);
  }
}

function closure(start: readonly string[], next: (name: string) => Iterable<string>): Set<string> {
  const found = new Set(start);
  // Iteration over a set includes the elements that are added meanwhile.
  for (const name of found) {
    for (const successor of next(name)) {
      found.add(successor);
    }
  }
  return found;
}

function checkInitial(machine: DraftMachine, graph: Graph, problems: ProblemCollector): void {
  const [first, ...others] = machine.initial;
  if (!first) {
    // In the native form, the missing property has been reported.
    if (machine.form === 'fsm.yaml') {
      problems.error(
        machine.place,
        'The machine has no initial state',
        'Add "initial: true" to the state that an execution enters first.',
      );
    }
    return;
  }
  for (const other of others) {
    problems.error(
      other.place,
      `Duplicate initial state: ${quote(first.name)}${onLine(first.place)} is initial, too`,
      'Remove "initial" from one of them.',
    );
  }
  if (machine.form === 'native' && !graph.names.has(first.name)) {
    problems.error(
      first.place,
      `The initial state ${quote(first.name)} does not exist`,
      suggestState(first.name, graph),
    );
  }
}

function checkTransitions(machine: DraftMachine, state: DraftState, graph: Graph, problems: ProblemCollector): void {
  const transitions = state.transitions ?? [];
  reportDuplicates(
    transitions.map((transition) => ({ name: transition.event, place: transition.place })),
    'event',
    problems,
  );
  for (const transition of transitions) {
    checkTarget(transition, graph, problems);
    if (state.final && machine.form === 'native') {
      problems.error(transition.place, 'A final state cannot have transitions', 'Remove the transition or "final".');
    } else if (state.final) {
      problems.warning(
        transition.place,
        'The transition is never taken because its state is final',
        'Remove the transition or "final".',
      );
    }
  }
  if (state.catch) {
    checkTarget(state.catch, graph, problems, ' of the catch transition');
    if (state.final) {
      problems.error(
        state.catch.place,
        'A final state cannot have a catch transition',
        'Move the action that can fail to an earlier state.',
      );
    }
  }
  checkTimeout(state, transitions, problems);
  if (state.final && state.exit !== undefined) {
    problems.warning(
      state.place,
      `The exit action ${quote(state.exit)} never runs because a final state is never left`,
      'Remove it, or make it the entry action.',
    );
  }
}

function checkTimeout(
  { timeout, final }: DraftState,
  transitions: readonly DraftTransition[],
  problems: ProblemCollector,
): void {
  if (!timeout) {
    return;
  }
  const events = transitions.map(({ event }) => event);
  if (final) {
    problems.error(timeout.place, 'A final state cannot have a timeout', 'Remove the timeout or "final".');
  } else if (timeout.event !== undefined && !events.includes(timeout.event)) {
    const meant = nearest(timeout.event, events);
    problems.error(
      timeout.place,
      `The timeout sends the event ${quote(timeout.event)}, which the state does not handle`,
      meant === undefined ? 'Add a transition for the event to "on".' : `Did you mean ${quote(meant)}?`,
    );
  }
}

function checkTarget(
  transition: Omit<DraftTransition, 'event'>,
  graph: Graph,
  problems: ProblemCollector,
  owner: '' | ' of the catch transition' = '',
): void {
  if (transition.target !== undefined && !graph.names.has(transition.target)) {
    problems.error(
      transition.place,
      `The target state ${quote(transition.target)}${owner} does not exist`,
      suggestState(transition.target, graph),
    );
  }
}

/** Checks that every state is on a path from the initial state to a final state. */
function checkEnds(
  machine: DraftMachine,
  states: readonly DraftState[],
  graph: Graph,
  problems: ProblemCollector,
): void {
  const initial = machine.initial.map(({ name }) => graph.find(name)).filter((name) => name !== undefined);
  const reachable = graph.reachableFrom(initial);
  const allPathsKnown = initial.length > 0 && ![...reachable].some((name) => graph.unread.has(name));
  const finals = states.filter((state) => state.final).map((state) => state.name);
  const ending = graph.leadingTo(finals);
  if (finals.length === 0) {
    problems.error(
      machine.place,
      'The machine has no final state, so its executions never end',
      'Add "final: true" to each state in which an execution ends.',
    );
  }
  for (const { name, place, final, transitions } of states) {
    if (allPathsKnown && !reachable.has(name)) {
      problems.error(
        place,
        `The state is unreachable: no path leads to it from the initial state ${enumerate(initial, 'or')}`,
        'Add a transition to it, or remove the state.',
      );
    }
    if (!final && transitions?.length === 0) {
      problems.error(
        place,
        'The state is not final and has no transitions, so an execution never leaves it',
        'Add "final: true" or a transition.',
      );
    } else if (finals.length > 0 && !ending.has(name)) {
      problems.error(
        place,
        'No path leads from this state to a final state, so an execution that enters it never ends',
        'Add a transition to a state from which a final state can be reached.',
      );
    }
  }
}

function checkBackoffs(machine: DraftMachine, problems: ProblemCollector): void {
  const check = (own: Partial<Backoff> | undefined, inherited: Backoff, place: Place): Backoff => {
    const backoff = resolveBackoff(own, inherited);
    if (own && backoff.baseSeconds > backoff.capSeconds) {
      problems.error(
        place,
        `Invalid backoff: "baseSeconds" (${backoff.baseSeconds}) exceeds "capSeconds" (${backoff.capSeconds})`,
        `Set "capSeconds" to ${backoff.baseSeconds} or more, or "baseSeconds" to ${backoff.capSeconds} or less.`,
      );
    }
    return backoff;
  };
  const inherited = check(machine.backoff, DEFAULT_BACKOFF, machine.place);
  for (const state of machine.states ?? []) {
    check(state.backoff, inherited, state.place);
  }
}

/** Reports each element that has the name of an earlier one, and returns these elements. */
function reportDuplicates<T extends { name: string; place: Place }>(
  all: readonly T[],
  what: string,
  problems: ProblemCollector,
): Set<T> {
  const first = new Map<string, Place>();
  const duplicates = new Set<T>();
  for (const each of all) {
    const earlier = first.get(each.name);
    if (earlier) {
      duplicates.add(each);
      problems.error(
        each.place,
        `Duplicate ${what} ${quote(each.name)}${firstDefined(earlier, each.place)}`,
        'Rename or remove one of them.',
      );
    } else {
      first.set(each.name, each.place);
    }
  }
  return duplicates;
}

function suggestState(name: string, graph: Graph): string {
  const meant = graph.find(name);
  return meant === undefined ? `Add the state, or use ${graph.choices}.` : `Did you mean ${quote(meant)}?`;
}

function firstDefined(first: Place, duplicate: Place): string {
  if (first.line === undefined) {
    return '';
  }
  return `, first defined${first.file === duplicate.file ? onLine(first) : ` in ${first.file}:${first.line}`}`;
}

function onLine(place: Place): string {
  return place.line === undefined ? '' : ` on line ${place.line}`;
}
