import type { Upgrade } from '../machine';

export interface EngineOptions {
  /**
   * Most records of a batch that are worked on at once.
   *
   * @default 50
   */
  readonly concurrency?: number;
  /**
   * Commit each step explicitly, one more request a transition. A step whose envelope is delivered again, after its successor was sent
   * and before that has begun, is then recognised as done instead of being run again.
   *
   * @default false
   */
  readonly eagerCommit?: boolean;
  /**
   * Milliseconds by which the clocks of two invocations may differ. A lease is valid that much longer than the invocation lives.
   *
   * @default 5000
   */
  readonly clockSkew?: number;
  /**
   * Milliseconds that an entry waits at most for others to share its request.
   *
   * @default 50
   */
  readonly linger?: number;
  /**
   * Milliseconds that the lock of an ended execution is remembered. A start that is older is refused, since nobody knows any more whether
   * it has run.
   *
   * @default 30 days
   */
  readonly remembered?: number;
  /**
   * What becomes of the executions that an earlier definition of a machine has begun, by the name of the machine.
   *
   * @default - they move to the new definition
   */
  readonly upgrades?: Readonly<Record<string, Upgrade>>;
  /**
   * How many executions of a machine may be under way at once, by the name of the machine. Those beyond wait.
   *
   * @default - any number
   */
  readonly maxRunningExecutions?: Readonly<Record<string, number>>;
  /**
   * Milliseconds for which a deployment may let the old and the new function run side by side. So long an envelope waits whose definition
   * is not known here.
   *
   * @default 60000
   */
  readonly rollover?: number;
}

const DAY = 86_400_000;

export const DEFAULT_OPTIONS: Required<EngineOptions> = {
  concurrency: 50,
  eagerCommit: false,
  clockSkew: 5_000,
  linger: 50,
  remembered: 30 * DAY,
  upgrades: {},
  maxRunningExecutions: {},
  rollover: 60_000,
};
