import type { Upgrade } from '../machine/upgrade';

/** Options of the engine. */
export interface EngineOptions {
  /**
   * Maximum number of records of a batch that are processed concurrently.
   *
   * @default 50
   */
  readonly concurrency?: number;
  /**
   * Commit each step explicitly, at the price of one more request for each transition. A step whose envelope is delivered again after its
   * successor was sent, but before the successor has begun, is then recognized as done instead of being run again.
   *
   * @default false
   */
  readonly eagerCommit?: boolean;
  /**
   * Log the errors of actions with their messages, stacks and causes, which may contain payload. Without it, the log has their classes and the
   * places that threw them.
   *
   * @default false
   */
  readonly logErrorMessages?: boolean;
  /**
   * Maximum difference between the clocks of two invocations, in milliseconds. A lease outlasts its invocation by this time.
   *
   * @default 5000
   */
  readonly clockSkew?: number;
  /**
   * Maximum milliseconds that an entry waits for others to share its request.
   *
   * @default 50
   */
  readonly linger?: number;
  /**
   * How each machine treats executions that began with an earlier definition of it, by the name of the machine.
   *
   * @default - they move to the deployed definition
   */
  readonly upgrades?: Readonly<Record<string, Upgrade>>;
  /**
   * Maximum number of concurrent executions of a machine, by the name of the machine. Further executions wait.
   *
   * @default - unlimited
   */
  readonly maxRunningExecutions?: Readonly<Record<string, number>>;
  /**
   * Maximum number of executions that one item of the store counts. A change writes the ids of the whole item: ten of them fit into one
   * write unit of a table.
   *
   * @default 10
   */
  readonly runningGroupSize?: number;
  /**
   * Milliseconds for which a deployment may run the old and the new function side by side. An envelope whose definition is unknown to this
   * function waits that long.
   *
   * @default 60000
   */
  readonly rollover?: number;
}

/** The defaults of {@link EngineOptions}. */
export const DEFAULT_OPTIONS: Required<EngineOptions> = {
  concurrency: 50,
  eagerCommit: false,
  logErrorMessages: false,
  clockSkew: 5_000,
  linger: 50,
  upgrades: {},
  maxRunningExecutions: {},
  runningGroupSize: 10,
  rollover: 60_000,
};
