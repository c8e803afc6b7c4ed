import { Batch } from './batch';
import { BoundedMetrics } from './bounded-metrics';
import { startDeadline } from './deadline';
import type { InvocationScope } from './delivery-scope';
import type { Machine } from '../../machine';
import type { ActionLookup } from '../definitions/actions';
import { Definitions } from '../definitions/definitions';
import { IdleTracker } from '../dispatch/batcher';
import { Dispatcher } from '../dispatch/dispatcher';
import { CircuitBreakers, EnvelopeSender } from '../dispatch/envelope-sender';
import { deadLetter, forward, type StoredMessage } from '../dispatch/forward';
import { ConcurrencyLimiter } from '../locks/concurrency-limiter';
import { DEFAULT_OPTIONS, type EngineOptions } from '../options';
import type { Delivery, DueStore, Invocation, Outcome, Ports } from '../ports';
import { sendDue, type TimerPart } from '../retries/send-due';
import { within } from '../within';

/** Time of an invocation that is reserved for its answer, in milliseconds. */
const ANSWER_RESERVE_MS = 500;

/** Pause until records that no transport accepted are sent again, in milliseconds. */
const FORWARD_PAUSE_MS = 60_000;

/**
 * Executes transitions: processes the records that an event source delivered. It keeps no execution state between batches, so any number of
 * engines may work on the same executions.
 */
export class Engine {
  private readonly ports: Ports;
  private readonly definitions: Definitions;
  private readonly options: Required<EngineOptions>;
  private readonly breakers: CircuitBreakers;
  private readonly limits: ConcurrencyLimiter;

  constructor(
    ports: Ports,
    machines: readonly Machine[],
    private readonly actions: ActionLookup,
    options: EngineOptions = {},
  ) {
    this.options = { ...DEFAULT_OPTIONS, ...options };
    this.definitions = new Definitions(machines, this.options.upgrades);
    this.ports = { ...ports, metrics: new BoundedMetrics(ports.metrics, this.definitions) };
    this.breakers = new CircuitBreakers(ports.clock);
    this.limits = new ConcurrencyLimiter(this.ports, this.options.maxRunningExecutions, this.options.runningGroupSize);
  }

  /**
   * Processes a batch (see {@link Batch}). Never throws: a record that fails unexpectedly returns to its source, and the rest of the batch
   * continues.
   *
   * @returns the answer for the source, by the id of each delivery
   */
  public async process(deliveries: readonly Delivery[], invocation: Invocation): Promise<ReadonlyMap<string, Outcome>> {
    const { ports, options, definitions, actions, limits } = this;
    const idle = new IdleTracker();
    const dispatcher = new Dispatcher(ports, idle, options.linger, this.breakers);
    const deadline = startDeadline(ports.clock, invocation);
    const scope: InvocationScope = { ports, options, definitions, actions, limits, dispatcher, deadline, invocation };
    const outcomes = await new Batch(scope, idle, deliveries).process();
    deadline.stop();
    await this.report(invocation);
    return outcomes;
  }

  /** Dispatches what falls due in the stores, see {@link sendDue}. */
  public async sendDue(
    stores: readonly DueStore[],
    until: number,
    invocation: Invocation,
    part?: TimerPart,
  ): Promise<void> {
    try {
      await sendDue(this.ports, stores, until, invocation, part);
    } finally {
      await this.report(invocation);
    }
  }

  /**
   * Sends on the records that a stream has discarded: the event source that accepts them delivers them again. The message that reported the
   * records becomes a dead letter if some of them have expired.
   *
   * @param expired number of the reported records that have expired
   */
  public async forwardDiscarded(
    report: Delivery,
    records: readonly StoredMessage[],
    expired: number,
    invocation: Invocation,
  ): Promise<Outcome> {
    const { ports, breakers } = this;
    const idle = new IdleTracker();
    const sender = new EnvelopeSender([...ports.eventSources, ...ports.retryQueues], ports, idle, 0, breakers);
    try {
      const sent = await forward(ports, sender, idle, records);
      ports.logger.warn('Lambda discarded records of a stream. Those that the stream still has were sent again.', {
        sent: sent.filter(Boolean).length,
        expired,
      });
      const reason = `${expired} of the records that Lambda discarded have expired: their executions stand still.`;
      const isDone = sent.every(Boolean) && (expired === 0 || (await deadLetter(ports, report, reason)));
      return isDone ? 'acknowledge' : { redeliverAt: ports.clock.now() + FORWARD_PAUSE_MS };
    } finally {
      await this.report(invocation);
    }
  }

  /** Flushes metrics and traces, but answers the source in time even if their service is slow. */
  private async report(invocation: Invocation): Promise<void> {
    const { clock, metrics, tracer } = this.ports;
    const reported = Promise.all([metrics.flush(), tracer?.flush()]);
    await within(clock, invocation.deadline - ANSWER_RESERVE_MS, reported);
  }
}
