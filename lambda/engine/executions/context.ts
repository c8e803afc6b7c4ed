import type { ClientPorts } from '../ports';
import type { Sender } from './sending/sender';

/** Everything that the verbs of {@link Executions} work with. */
export interface ExecutionsContext {
  readonly ports: ClientPorts;
  readonly sender: Sender;
  /** Names of the machines that may be started; any machine if undefined. */
  readonly machines: readonly string[] | undefined;
  /** Whether actions of the machines run tasks, so that a cancellation may have to stop one. */
  readonly runTasks: boolean;
}
