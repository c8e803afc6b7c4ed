import { InMemoryDeadLetters } from './in-memory-dead-letters';
import { InMemoryJournal } from './in-memory-journal';
import { InMemoryLockStore } from './in-memory-lock-store';
import { InMemoryMailbox } from './in-memory-mailbox';
import { InMemoryQueue } from './in-memory-queue';
import { InMemoryRetryTable, type DueTable } from './in-memory-retry-table';
import { InMemoryRunningExecutions } from './in-memory-running-executions';
import { InMemoryStream } from './in-memory-stream';
import { InMemoryTopic } from './in-memory-topic';
import type { PolledSource } from './polled-source';
import type { DeadLetter, DeadLetterStore, Journal, Lock, LockStore, Mailbox, RunningExecutions } from '../../engine';
import type { Logger } from '../../machine';
import type { SeededRandom } from '../determinism/seeded-random';
import type { VirtualClock } from '../determinism/virtual-clock';

/** A kind of event source. `dynamodb` is the stream of the checkpoint table. */
export type EventSourceKind = 'sqs' | 'sqs-fifo' | 'kinesis' | 'dynamodb' | 'sns';

/** A kind of retry queue. `kinesis` and `sns` cannot delay a retry. */
export type RetryQueueKind = 'sqs' | 'dynamodb' | 'kinesis' | 'sns';

/** Latency of a retry queue that cannot delay, in milliseconds. Without it, an envelope could be retried endlessly at the same virtual time. */
export const RETRY_LATENCY_MS = 1_000;

/** The simulated services of a workflow. */
export interface ServiceOptions {
  /**
   * The event sources in order of preference: the primary, and optionally a failover.
   *
   * @default ['sqs']
   */
  readonly eventSources?: readonly EventSourceKind[];
  /**
   * The retry queues in order of preference.
   *
   * @default ['sqs']
   */
  readonly retryQueues?: readonly RetryQueueKind[];
  /**
   * Whether queues and topics deliver in a random order, as standard queues and topics may do.
   *
   * @default false - messages are delivered in the order in which they become visible
   */
  readonly disorder?: boolean;
  /**
   * Number of deliveries after which a queue dead-letters a message: an integer ≥ 2.
   *
   * @default 100
   */
  readonly maxReceives?: number;
  /**
   * Retention of the locks and checkpoints of ended executions, in milliseconds.
   *
   * @default Infinity
   */
  readonly retention?: number;
  /**
   * Receives the log of the workflow.
   *
   * @default - the log is discarded
   */
  readonly logger?: Logger;
}

/** The services of a workflow in memory. */
export interface InMemoryServices {
  readonly eventSources: readonly PolledSource[];
  readonly retryQueues: readonly (PolledSource | DueTable)[];
  readonly locks: LockStore & { readonly all: readonly Lock[] };
  readonly running?: RunningExecutions;
  readonly journal: Journal;
  readonly mailbox: Mailbox;
  readonly deadLetters: DeadLetterStore & { readonly letters: readonly DeadLetter[] };
  readonly logger: Logger;
}

/** Discards all log entries. */
const SILENT: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * Creates the services of a workflow in memory.
 *
 * @param visibilityTimeout visibility timeout of the queues, in milliseconds
 * @throws RangeError if there is no event source or no retry queue
 */
export function createServices(
  options: ServiceOptions,
  clock: VirtualClock,
  random: SeededRandom,
  visibilityTimeout: number,
): InMemoryServices {
  const { eventSources = ['sqs'], retryQueues = ['sqs'], retention, maxReceives, logger = SILENT } = options;
  if (eventSources.length === 0 || retryQueues.length === 0) {
    throw new RangeError('"eventSources" and "retryQueues" must not be empty: a workflow needs at least one of each.');
  }
  const journal = new InMemoryJournal({ clock, retention });
  const deadLetters = new InMemoryDeadLetters();
  const disorder = (resource: string) => (options.disorder ? random.fork(resource) : undefined);
  const queue = (resource: string, kind: { readonly fifo?: boolean; readonly longestDelay?: number }) =>
    new InMemoryQueue({
      clock,
      resource,
      visibilityTimeout,
      deadLetters,
      disorder: disorder(resource),
      ...(maxReceives !== undefined && { maxReceives }),
      ...kind,
    });
  return {
    eventSources: eventSources.map((kind, index) => {
      const resource = `event-source-${index + 1}`;
      switch (kind) {
        case 'sqs':
        case 'sqs-fifo':
          return queue(resource, { fifo: kind === 'sqs-fifo', longestDelay: 0 });
        case 'kinesis':
          return new InMemoryStream({ clock, resource, service: kind, deadLetters });
        case 'dynamodb':
          return new InMemoryStream({ clock, resource, service: kind, deadLetters, journal });
        case 'sns':
          return new InMemoryTopic({ clock, resource, deadLetters, disorder: disorder(resource) });
      }
    }),
    retryQueues: retryQueues.map((kind, index) => {
      const resource = `retry-queue-${index + 1}`;
      switch (kind) {
        case 'sqs':
          return queue(resource, {});
        case 'dynamodb':
          return new InMemoryRetryTable({ clock, resource });
        case 'kinesis':
          return new InMemoryStream({ clock, resource, service: kind, deadLetters, latency: RETRY_LATENCY_MS });
        case 'sns':
          return new InMemoryTopic({
            clock,
            resource,
            deadLetters,
            disorder: disorder(resource),
            latency: RETRY_LATENCY_MS,
          });
      }
    }),
    locks: new InMemoryLockStore({ clock, retention }),
    running: new InMemoryRunningExecutions(),
    journal,
    mailbox: new InMemoryMailbox(clock),
    deadLetters,
    logger,
  };
}
