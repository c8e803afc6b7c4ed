import type { Clock } from './clock';
import type { DeadLetterStore } from './dead-letter-store';
import type { Journal } from './journal';
import type { ClientLockStore, LockStore } from './lock-store';
import type { ClientMailbox, Mailbox } from './mailbox';
import type { Metrics } from './metrics';
import type { Random } from './random';
import type { RunningExecutions } from './running-executions';
import type { Tasks } from './tasks';
import type { Tracer } from './tracer';
import type { Carrier, Transport } from './transport';
import type { Logger } from '../../machine/action';

/**
 * The ports of the engine: everything that it needs from the outside world. `lambda/aws` implements them with AWS services, `lambda/testing`
 * in memory. A method that rejects has an unknown outcome: it may or may not have taken effect.
 */
export interface Ports {
  /** The event sources that the next envelope is sent to, in order of preference: the primary, then the failover. */
  readonly eventSources: readonly Transport[];
  /** The retry queues in which a failed step waits for its next attempt, in order of preference. */
  readonly retryQueues: readonly Transport[];
  readonly locks: LockStore;
  /** Absent if no machine limits its concurrent executions. */
  readonly running?: RunningExecutions;
  readonly journal: Journal;
  readonly mailbox: Mailbox;
  /** Absent if no action runs a task. */
  readonly tasks?: Tasks;
  readonly deadLetters: DeadLetterStore;
  readonly metrics: Metrics;
  /** Absent if executions are not traced. */
  readonly tracer?: Tracer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /**
   * Whether an error says that a service refuses what a call carries: its size or its characters, for example. Such a call fails however
   * often it is repeated. False for everything that time or an operator cures: throttling, denied access, a missing table.
   *
   * @default - no error says so
   */
  refusesContent?(error: Error): boolean;
}

/** The ports of a client, which runs no steps. {@link Ports} satisfies them. */
export interface ClientPorts extends Pick<
  Ports,
  'eventSources' | 'journal' | 'metrics' | 'tracer' | 'clock' | 'random' | 'logger'
> {
  /** Clients never send to a retry queue. */
  readonly retryQueues: readonly Carrier[];
  readonly locks: ClientLockStore;
  readonly mailbox: ClientMailbox;
}
