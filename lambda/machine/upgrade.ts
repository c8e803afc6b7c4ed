import type { Machine } from './definition';

/** What becomes of the executions that an earlier definition of a machine has begun, when the machine is deployed with a new one. */
export type UpgradePolicy =
  /** They go on with the new definition, if it has the state that they are in and the event that they take; otherwise they fail. */
  | 'move'
  /** They end with the definition that they have, which must be one of the previous versions; otherwise they fail. */
  | 'finish-on-old'
  /** They fail at their next step, so that a person decides. */
  | 'stop';

/** How a machine is upgraded. */
export interface Upgrade {
  readonly policy: UpgradePolicy;
  /** The definitions that executions may still run on, for `finish-on-old`: of the same machine, in any order. */
  readonly previousVersions?: readonly Machine[];
}
