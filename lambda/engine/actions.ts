import { actionNames, type Action, type Machine } from '../machine';
import type { ActionLookup } from './run-step';

/**
 * Finds actions in what an actions file exports by default: the result of `implement`, a list of such results, or for machines from a file
 * the result of `defineActions`, whose actions serve every machine. Of several implementations of one machine, for versions of it, the
 * first one that has an action of a name counts.
 *
 * @throws TypeError that says what is wrong with the export
 */
export function actionsOf(exported: unknown): ActionLookup {
  const machines = new Map<string, Readonly<Record<string, unknown>>>();
  let shared: Readonly<Record<string, unknown>> = {};
  for (const part of Array.isArray(exported) ? exported : [exported]) {
    if (!isObject(part)) {
      throw new TypeError(`The actions file exports ${part === undefined ? 'nothing' : `a ${typeof part}`} by default; expected implement(machine, { … }), a list of these, or defineActions({ … }).`);
    }
    if (isObject(part.machine) && typeof part.machine.name === 'string' && isObject(part.actions)) {
      machines.set(part.machine.name, { ...part.actions, ...machines.get(part.machine.name) });
    } else {
      shared = { ...shared, ...part };
    }
  }
  return (machine, name) => find(machines.get(machine), name) ?? find(shared, name);
}

/** Every action that a machine names and nobody has written, as `machine, state: action`. */
export function missingActions(machines: readonly Machine[], actions: ActionLookup): readonly string[] {
  return machines.flatMap((machine) => actionNames(machine)
    .filter(({ action }) => !actions(machine.name, action))
    .map(({ state, action }) => `machine "${machine.name}", state "${state}": ${action}`));
}

function find(actions: Readonly<Record<string, unknown>> | undefined, name: string): Action | undefined {
  if (!actions || !Object.hasOwn(actions, name)) return undefined;
  const action = actions[name];
  // That it is a function is all that can be checked; what it takes, the compiler has checked in `implement`.
  return typeof action === 'function' ? action as Action : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
