import type { Machine } from './definition';

/** Decides how running executions continue when a machine is deployed with a changed definition. */
export type UpgradePolicy =
  /** Executions continue with the new definition. An execution fails if the new definition lacks its state or its next event. */
  | 'move'
  /** Executions finish with the definition they started with. An execution fails if that is not one of the previous versions. */
  | 'finish-on-old'
  /** Executions fail at their next step, for an operator to decide. */
  | 'stop';

/** How a machine is upgraded. */
export interface Upgrade {
  /** How running executions continue. */
  readonly policy: UpgradePolicy;
  /** For `finish-on-old`: the earlier definitions of this machine that executions may still run on, in any order. */
  readonly previousVersions?: readonly Machine[];
}
