import { DEFAULT_BACKOFF, type Backoff } from './definition';
import type { DraftMachine, DraftState, DraftTransition } from './draft';
import { nearest } from './nearest';
import { resolveBackoff } from './normalize';
import { enumerate, quote, type Findings, type Place } from './problem';

/** Checks that names are unique among machines that are to be used together. */
export function checkMachineNames(machines: readonly { readonly name: string; readonly place: Place }[], findings: Findings): void {
  reportTwins(machines.filter(({ name }) => name !== ''), 'machine', findings);
}

/** Checks all that can be wrong with a machine beyond its spelling. */
export function checkMachine(machine: DraftMachine, findings: Findings): void {
  if (!machine.states) {
    return;
  }
  if (machine.states.length === 0) {
    findings.error(machine.place, 'The machine has no states', 'Add the states; one of them must be final.');
    return;
  }
  // A state whose name is missing was reported; nothing can lead to it.
  const states = machine.states.filter((state) => state.name !== '');
  const graph = new Graph(states);
  const twins = reportTwins(states, 'state', findings);
  checkInitial(machine, graph, findings);
  for (const state of machine.states) {
    checkTransitions(machine, state, graph, findings);
  }
  checkEnds(machine, states.filter((state) => !twins.has(state)), graph, findings);
  checkBackoffs(machine, findings);
}

/** More misspelt names than a person writes. */
const MAX_SUGGESTIONS = 100;

/** Which state leads to which. */
class Graph {
  public readonly names: ReadonlySet<string>;
  /** The names for messages. */
  public readonly choice: string;
  private readonly successors = new Map<string, Set<string>>();
  /** States with a transition that could not be read: nobody can say where it leads. */
  public readonly unread = new Set<string>();
  /** States with a transition to something that is no state. */
  private readonly astray = new Set<string>();
  /** What names that are no state were probably meant to be. */
  private readonly meant = new Map<string, string | undefined>();

  constructor(states: readonly DraftState[]) {
    this.names = new Set(states.map((state) => state.name));
    this.choice = enumerate([...this.names], 'or');
    for (const { name, transitions, catch: caught } of states) {
      const targets = this.successors.get(name) ?? new Set<string>();
      if (!transitions) {
        this.unread.add(name);
      }
      for (const { target } of [...transitions ?? [], ...caught ? [caught] : []]) {
        const found = this.find(target);
        if (found !== undefined) {
          targets.add(found);
        } else {
          (target === undefined ? this.unread : this.astray).add(name);
        }
      }
      this.successors.set(name, targets);
    }
  }

  /** The state of this name, or else the one that was probably meant: so that one misspelt target is one problem, and not ten. */
  public find(name: string | undefined): string | undefined {
    if (name === undefined || this.names.has(name)) {
      return name;
    }
    // Each search looks at every state, so what is wrong all over is not searched for.
    if (!this.meant.has(name) && this.meant.size < MAX_SUGGESTIONS) {
      this.meant.set(name, nearest(name, this.names));
    }
    return this.meant.get(name);
  }

  /** All states on the paths from these ones. */
  public reachableFrom(names: readonly string[]): Set<string> {
    return closure(names, (name) => this.successors.get(name) ?? []);
  }

  /** All states from which a path leads to one of these, or may, for all that can be said. */
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
    return closure([...names, ...this.unread, ...this.astray], (name) => predecessors.get(name) ?? []);
  }
}

function closure(start: readonly string[], next: (name: string) => Iterable<string>): Set<string> {
  const found = new Set(start);
  // A set hands out what is added while it is walked through.
  for (const name of found) {
    for (const successor of next(name)) {
      found.add(successor);
    }
  }
  return found;
}

function checkInitial(machine: DraftMachine, graph: Graph, findings: Findings): void {
  const [first, ...others] = machine.initial;
  if (!first) {
    // In the library's own form, the property is missing, and that was reported.
    if (machine.form === 'fsm.yaml') {
      findings.error(machine.place, 'No state is the initial one', 'Add "initial: true" to the state that an execution enters first.');
    }
    return;
  }
  for (const other of others) {
    findings.error(other.place, `There is a second initial state; the first is ${quote(first.name)}${inLine(first.place)}`, 'Keep one of them.');
  }
  if (machine.form === 'own' && !graph.names.has(first.name)) {
    findings.error(first.place, `The initial state ${quote(first.name)} is no state`, mendName(first.name, graph));
  }
}

function checkTransitions(machine: DraftMachine, state: DraftState, graph: Graph, findings: Findings): void {
  const transitions = state.transitions ?? [];
  reportTwins(transitions.map((transition) => ({ name: transition.event, place: transition.place })), 'event', findings);
  for (const transition of transitions) {
    checkTarget(transition, 'target', graph, findings);
    if (state.final && machine.form === 'own') {
      findings.error(transition.place, 'A final state has no transitions', 'Remove the transition, or "final".');
    } else if (state.final) {
      findings.warning(transition.place, 'The transition is never taken, since its state is final', 'Remove the transition, or "final".');
    }
  }
  if (state.catch) {
    checkTarget(state.catch, 'catch target', graph, findings);
    if (state.final) {
      findings.error(state.catch.place, 'A final state has no catch transition', 'Put the action that may fail into a state before it.');
    }
  }
  checkTimeout(state, transitions, findings);
  if (state.final && state.exit !== undefined) {
    findings.warning(state.place, `The exit action ${quote(state.exit)} never runs, since a final state is never left`, 'Remove it, or make it the entry action.');
  }
}

function checkTimeout({ timeout, final }: DraftState, transitions: readonly DraftTransition[], findings: Findings): void {
  if (!timeout) {
    return;
  }
  const events = transitions.map(({ event }) => event);
  if (final) {
    findings.error(timeout.place, 'A final state has no timeout, since nothing waits in it', 'Remove the timeout, or "final".');
  } else if (timeout.event !== undefined && !events.includes(timeout.event)) {
    const meant = nearest(timeout.event, events);
    findings.error(timeout.place, `The state does not handle the event ${quote(timeout.event)} of its timeout`,
      meant === undefined ? 'Add a transition for it to "on".' : `Did you mean ${quote(meant)}?`);
  }
}

function checkTarget(transition: Omit<DraftTransition, 'event'>, what: string, graph: Graph, findings: Findings): void {
  if (transition.target !== undefined && !graph.names.has(transition.target)) {
    findings.error(transition.place, `The ${what} ${quote(transition.target)} is no state`, mendName(transition.target, graph));
  }
}

/** Checks that every state is on a path from the initial state to a final one. */
function checkEnds(machine: DraftMachine, states: readonly DraftState[], graph: Graph, findings: Findings): void {
  const initial = machine.initial.map(({ name }) => graph.find(name)).filter((name) => name !== undefined);
  const reachable = graph.reachableFrom(initial);
  const allPathsKnown = initial.length > 0 && ![...reachable].some((name) => graph.unread.has(name));
  const finals = states.filter((state) => state.final).map((state) => state.name);
  const ending = graph.leadingTo(finals);
  if (finals.length === 0) {
    findings.error(machine.place, 'The machine has no final state, so its executions never end', 'Add "final: true" to each state in which they end.');
  }
  for (const { name, place, final, transitions } of states) {
    if (allPathsKnown && !reachable.has(name)) {
      findings.error(place, `The state is unreachable: no path leads to it from the initial state ${enumerate(initial, 'or')}`, 'Add a transition to it, or remove it.');
    }
    if (!final && transitions?.length === 0) {
      findings.error(place, 'The state is not final, but handles no event: an execution would never leave it', 'Add "final: true", or a transition.');
    } else if (finals.length > 0 && !ending.has(name)) {
      findings.error(place, 'No path leads from this state to a final one: an execution that enters it never ends', 'Add a transition to a state that leads to a final one.');
    }
  }
}

function checkBackoffs(machine: DraftMachine, findings: Findings): void {
  const check = (own: Partial<Backoff> | undefined, inherited: Backoff, place: Place): Backoff => {
    const backoff = resolveBackoff(own, inherited);
    if (own && backoff.baseSeconds > backoff.capSeconds) {
      findings.error(place, `The backoff begins with ${backoff.baseSeconds} s, which is more than its cap of ${backoff.capSeconds} s`,
        `Set "capSeconds" to ${backoff.baseSeconds} or more, or a smaller "baseSeconds".`);
    }
    return backoff;
  };
  const inherited = check(machine.backoff, DEFAULT_BACKOFF, machine.place);
  for (const state of machine.states ?? []) {
    check(state.backoff, inherited, state.place);
  }
}

/** Reports each one whose name is there before it, and returns them. */
function reportTwins<T extends { name: string; place: Place }>(all: readonly T[], what: string, findings: Findings): Set<T> {
  const first = new Map<string, Place>();
  const twins = new Set<T>();
  for (const each of all) {
    const earlier = first.get(each.name);
    if (earlier) {
      twins.add(each);
      const where = inLine(earlier, each.place);
      findings.error(each.place, `There is a second ${what} ${quote(each.name)}${where && `; the first is${where}`}`, 'Rename or remove one of them.');
    } else {
      first.set(each.name, each.place);
    }
  }
  return twins;
}

function mendName(name: string, graph: Graph): string {
  const meant = graph.find(name);
  return meant === undefined ? `Add the state, or name one of ${graph.choice}.` : `Did you mean ${quote(meant)}?`;
}

function inLine(first: Place, second: Place = first): string {
  if (first.line === undefined) {
    return '';
  }
  return first.file === second.file ? ` in line ${first.line}` : ` in ${first.file}:${first.line}`;
}
