/** The handler of the workflow's function: the module that the runtime is bundled into, and its export. */
export const HANDLER = 'index.handler';

/** The files that synth adds to the bundled runtime. */
export const CODE_FILES = {
  /** The user's actions, an ES module whose default export holds them. */
  actions: 'actions.mjs',
  /** The source map of the actions. */
  actionsSourceMap: 'actions.mjs.map',
  /** The actions in CommonJS, if the app bundles them in this format. `actions` then imports this file. */
  commonJsActions: 'actions.cjs',
  /** The members of the function's configuration that may be large, a JSON object. They complete the configuration in its environment. */
  configuration: 'configuration.json',
  /** The Amazon ECS tasks, a JSON object. Absent if there are none. */
  ecsTasks: 'ecs-tasks.json',
  /** The machines in their normal form, a JSON array. */
  machines: 'machines.json',
  /** The upgrades by machine name, a JSON object. Absent if there are none. */
  upgrades: 'upgrades.json',
} as const;
