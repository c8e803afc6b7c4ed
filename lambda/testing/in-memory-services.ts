import type { DeadLetter, DeadLetterStore, Journal, Lock, LockStore, Mailbox, RunningExecutions } from '../engine';
import type { Logger } from '../machine';
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
import type { SeededRandom } from './seeded-random';
import type { VirtualClock } from './virtual-clock';

/** What an event source in memory behaves like. `dynamodb` is the stream of the checkpoint table. */
export type EventSourceKind = 'sqs' | 'sqs-fifo' | 'kinesis' | 'dynamodb' | 'sns';

/** What a retry queue in memory behaves like. Those of `kinesis` and `sns` hold nothing back. */
export type RetryQueueKind = 'sqs' | 'dynamodb' | 'kinesis' | 'sns';

/** Milliseconds that a retry takes which nothing holds back. If it took none, an envelope could go round for ever within one moment. */
export const RETRY_LATENCY = 1_000;

/** Which services a workflow consists of. */
export interface ServiceOptions {
  /**
   * The event sources in order of preference: the primary, then perhaps a failover.
   *
   * @default ['sqs']
   */
  readonly eventSources?: readonly EventSourceKind[];
  /**
   * The retry queues in order of preference: at least one.
   *
   * @default ['dynamodb']
   */
  readonly retryQueues?: readonly RetryQueueKind[];
  /**
   * Queues and topics deliver in a random order, as standard ones may.
   *
   * @default false - in the order in which messages become visible
   */
  readonly disorder?: boolean;
  /**
   * Milliseconds after which the locks and checkpoints of ended executions are forgotten.
   *
   * @default Infinity
   */
  readonly retention?: number;
  /**
   * Where the workflow's log goes.
   *
   * @default - nowhere
   */
  readonly logger?: Logger;
}

/** All services of a workflow in memory. */
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

/** The logger that writes nothing. */
const SILENT: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * @param visibilityTimeout of the queues, in milliseconds
 * @throws RangeError when there is no event source or no retry queue
 */
export function createServices(
  options: ServiceOptions,
  clock: VirtualClock,
  random: SeededRandom,
  visibilityTimeout: number,
): InMemoryServices {
  const { eventSources = ['sqs'], retryQueues = ['dynamodb'], retention, logger = SILENT } = options;
  if (eventSources.length === 0 || retryQueues.length === 0) {
    throw new RangeError('A workflow has at least one event source and one retry queue.');
  }
  const journal = new InMemoryJournal({ clock, retention });
  const deadLetters = new InMemoryDeadLetters();
  const disorder = (resource: string) => (options.disorder ? random.fork(resource) : undefined);
  const queue = (resource: string, kind: { readonly fifo?: boolean; readonly longestDelay?: number }) => new InMemoryQueue({
    clock, resource, visibilityTimeout, deadLetters, disorder: disorder(resource), ...kind,
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
          return new InMemoryStream({ clock, resource, service: kind, deadLetters, latency: RETRY_LATENCY });
        case 'sns':
          return new InMemoryTopic({ clock, resource, deadLetters, disorder: disorder(resource), latency: RETRY_LATENCY });
      }
    }),
    locks: new InMemoryLockStore({ clock, retention }),
    running: new InMemoryRunningExecutions(),
    journal,
    mailbox: new InMemoryMailbox(),
    deadLetters,
    logger,
  };
}
