import type { BrokerName } from '../contract/brokers';
import type {
  EventSourceConfiguration,
  RetryQueueConfiguration,
  WorkflowConfiguration,
} from '../contract/configuration';
import type { Clock, Delivery, DueStore, Random, Transport } from '../engine';
import type { Checks } from './checks';

/** The parts of the system that brokers use. */
export interface BrokerSystem {
  readonly clock: Clock;
  readonly random: Random;
  /**
   * The Region of the workflow.
   *
   * @default - the Region of the environment
   */
  readonly region?: string;
}

/**
 * A retry queue. A retry queue that is also a {@link DueStore} delivers nothing on its own: the timer sends its envelopes when they are
 * due.
 */
export type RetryQueue = Transport | (Transport & DueStore);

/** The part of a broker that clients of a workflow use. */
export interface ClientBroker<B extends BrokerName> {
  /** @param workflow the configuration that the event source belongs to */
  eventSource(configuration: EventSourceConfiguration<B>, workflow: WorkflowConfiguration): Transport;
}

/** The client of one broker, which all event sources and retry queues of a workflow on that broker share. */
export interface BrokerClient<B extends BrokerName> extends ClientBroker<B> {
  retryQueue(configuration: RetryQueueConfiguration<B>): RetryQueue;
  /** Closes the connections. */
  close(): void;
}

/** The checks of the configurations of one broker. */
export interface BrokerChecks<B extends BrokerName> {
  readonly eventSource: Checks<Omit<EventSourceConfiguration<B>, 'service'>>;
  readonly retryQueue: Checks<Omit<RetryQueueConfiguration<B>, 'service'>>;
}

/** Reads the events that Lambda invokes the function with for one broker. */
export interface RecordReader {
  /** Whether Lambda accepts a response that lists the failed records. If not, one failed record fails the invocation. */
  readonly reportsFailures: boolean;
  /**
   * @param event an event of this broker; Lambda names the broker in each of its records
   * @param workflow the configuration of the workflow that receives the event; without it, no receive limit is known
   */
  deliveries(event: never, workflow?: WorkflowConfiguration): readonly Delivery[];
}
