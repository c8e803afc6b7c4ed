/**
 * What authors of actions need: the types of what an action is called with, and `defineActions` for machines that come from a file.
 */
export { defineActions, implement } from '../machine';
export type { Action, Actions, Failure, Implementation, Json, JsonObject, Logger, Run } from '../machine';
