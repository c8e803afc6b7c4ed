/**
 * The machine language: defines, validates, loads and draws machines, and types their actions.
 *
 * @packageDocumentation
 */
export * from './action';
export { defineMachine, type DefineMachine } from './define';
export * from './definition';
export * from './errors';
export { FsmError, type FsmErrorOptions } from './fsm-error';
export { toGraphviz } from './diagram/graphviz';
export { toMermaid } from './diagram/mermaid';
export { definitionHash } from './hash';
export { defineActions, implement, type ActionsOf, type DoActionMustBeAsync, type Implement } from './implement';
export * from './input';
export { loadMachineFile, loadYaml, type LoadedMachines } from './load';
export { describeProblem, InvalidDefinitionError, type Problem } from './problem';
export * from './transition';
export * from './reachable';
export type {
  ContextOf,
  DataOf,
  EventsOf,
  JsonProperties,
  MachinesIn,
  MachineTypes,
  StatesOf,
  TypedMachine,
} from './types';
export type { Upgrade, UpgradePolicy } from './upgrade';
export { normalize, validate, validateTogether } from './validate';
