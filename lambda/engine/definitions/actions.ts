import { actionNames, type Action, type Machine } from '../../machine';
import { isObject } from '../../machine/is-object';

/** Finds the code of an action by the name in the machine. */
export type ActionLookup = (machine: string, action: string) => Action | undefined;

/** An action that a machine names, with the first state that names it. */
export interface NamedAction {
  readonly machine: string;
  readonly state: string;
  readonly action: string;
}

/** An object or a class: its functions, and those that it inherits, are actions. */
type Holder = object;

interface Part {
  /** The machine that the actions belong to. Without it, they serve every machine. */
  readonly machine?: string;
  readonly actions: Holder;
}

/**
 * Returns the value of a loaded module that holds the actions: its default export, or the module itself if it has none, so that its named
 * exports are the actions. CommonJS that was compiled from an ES module holds the default export in `exports.default`.
 */
export function exportOf(module: unknown): unknown {
  const visited = new Set<unknown>();
  let value = module;
  while (isObject(value) && 'default' in value && !visited.has(value)) {
    visited.add(value);
    const inner = value.default;
    // An action is a function. So a function named `default` in an object is an action, unless the object is a module.
    const isModule = value === module || value.__esModule === true || isObject(inner);
    if (!isModule || visited.has(inner)) break;
    value = inner;
  }
  return value;
}

/**
 * Finds actions in the export of an actions file: the result of `implement`, a list of such results, or the result of `defineActions`, whose
 * actions serve every machine. Any object or class with functions serves as well. If several parts contain an action, the first one is used.
 *
 * A found action is bound to its object, so that methods can use `this`.
 *
 * @throws TypeError if the export is none of these
 */
export function actionsOf(exported: unknown): ActionLookup {
  const parts = (Array.isArray(exported) ? exported : [exported]).map(partOf);
  return (machine, name) => {
    const ofMachine = parts.filter((part) => part.machine === machine);
    const shared = parts.filter((part) => part.machine === undefined);
    for (const { actions } of [...ofMachine, ...shared]) {
      const action = find(actions, name);
      if (action) return action;
    }
    return undefined;
  };
}

/** Lists the actions that machines name but the actions file lacks. */
export function missingActions(machines: readonly Machine[], actions: ActionLookup): readonly NamedAction[] {
  return machines.flatMap((machine) =>
    actionNames(machine)
      .filter(({ action }) => !actions(machine.name, action))
      .map(({ state, action }) => ({ machine: machine.name, state, action })),
  );
}

function partOf(value: unknown): Part {
  if (!isHolder(value)) {
    throw new TypeError(
      `Invalid default export of the actions file: found ${value === undefined ? 'nothing' : `a ${typeof value}`}, expected implement(machine, { … }), a list of these, or defineActions({ … }).`,
    );
  }
  if (isObject(value)) {
    const { machine, actions } = value;
    if (isObject(machine) && typeof machine.name === 'string' && isHolder(actions)) {
      return { machine: machine.name, actions };
    }
  }
  return { actions: value };
}

function isHolder(value: unknown): value is Holder {
  return isObject(value) || typeof value === 'function';
}

/** Finds a function of an object, of its class and of the classes that it extends, without the functions that every object has. */
function find(holder: Holder, name: string): Action | undefined {
  if (name === 'constructor' || name === 'prototype') return undefined;
  let owner: Holder | null = holder;
  while (owner && (owner === holder || !isRoot(owner))) {
    if (Object.hasOwn(owner, name)) {
      const action: unknown = Reflect.get(owner, name, holder);
      // Only the type `function` can be checked at run time. `implement` has checked the parameters at compile time.
      return typeof action === 'function' ? (action.bind(holder) as Action) : undefined;
    }
    owner = Reflect.getPrototypeOf(owner);
  }
  return undefined;
}

/** Whether an object is `Object.prototype` or `Function.prototype`, of any realm. */
function isRoot(owner: Holder): boolean {
  return Reflect.getPrototypeOf(owner) === null || (typeof owner === 'function' && !Object.hasOwn(owner, 'prototype'));
}
