/**
 * The entry point for authors of actions: the types of the arguments of an action, and `defineActions` for machines that are defined in a file.
 */
export { defineActions, implement } from '../machine';
export type { Action, Actions, Failure, Implementation, Json, JsonObject, Logger, Run } from '../machine';
