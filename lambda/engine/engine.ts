import type { Machine } from '../machine';
import { Admission } from './admission';
import { Rendezvous } from './batcher';
import { BoundedMetrics } from './bounded-metrics';
import { decodeEnvelope, type Decoded } from './codec';
import { Definitions } from './definitions';
import { asError } from './errors';
import { DEFAULT_OPTIONS, type EngineOptions } from './options';
import { CircuitBreakers, maxBodyBytes, Outbox } from './outbox';
import type { Delivery, DueStore, Invocation, Outcome, Ports } from './ports';
import type { ActionLookup, Deadline } from './run-step';
import { RunningLimits } from './running-limits';
import { Surroundings } from './surroundings';
import { sendDue } from './timer';

/** Of an invocation's time, what is kept for sending what the actions came to: a fifth, but no more than this. */
const LONGEST_RESERVE = 3_000;

/** Of an invocation's time, what is kept for its answer, in milliseconds. */
const ANSWER_TIME = 500;

/**
 * Executes transitions: takes the records that an event source has delivered through the transition protocol. It keeps no state between
 * two batches, so any number of engines may work on the same executions.
 */
export class Engine {
  private readonly ports: Ports;
  private readonly definitions: Definitions;
  private readonly options: Required<EngineOptions>;
  private readonly breakers: CircuitBreakers;
  private readonly limits: RunningLimits;

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
    this.limits = new RunningLimits(this.ports, this.options.maxRunningExecutions);
  }

  /**
   * Processes a batch. The records run concurrently, but those of one execution one after another. Never throws: a record that cannot be
   * brought to an end is given back to its source, and the others go on.
   *
   * @returns what the source is to be told, by the id of each delivery
   */
  public async process(deliveries: readonly Delivery[], invocation: Invocation): Promise<ReadonlyMap<string, Outcome>> {
    const outcomes = new Map<string, Outcome>();
    const rendezvous = new Rendezvous();
    const outbox = new Outbox(this.ports, rendezvous, this.options.linger, this.breakers);
    const deadline = this.startDeadline(invocation);
    const lines = linesOfExecutions(deliveries, maxBodyBytes(this.ports)).values();
    const { ports, definitions, actions, options, limits } = this;
    const parts = { ports, definitions, actions, options, limits, outbox, deadline, invocation };
    const worker = async () => {
      for (const line of lines) {
        for (const { delivery, decoded } of line) {
          outcomes.set(delivery.id, await rendezvous.work(() => this.processOne(decoded, new Surroundings(parts, delivery))));
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.options.concurrency, deliveries.length) }, worker));
    deadline.stop();
    await this.report(invocation);
    return outcomes;
  }

  /**
   * Sends on what falls due in the stores until `until`, and returns early when nothing does.
   *
   * @param until milliseconds since the epoch: when the next timer takes over
   */
  public async sendDue(stores: readonly DueStore[], until: number, invocation: Invocation): Promise<void> {
    try {
      await Promise.all(stores.map((store) => sendDue(this.ports, store, until, invocation)));
    } finally {
      await this.report(invocation);
    }
  }

  private async processOne(decoded: Decoded, around: Surroundings): Promise<Outcome> {
    try {
      return await new Admission(around).run(decoded);
    } catch (thrown) {
      this.ports.metrics.count('Redelivery');
      this.ports.logger.error(`A record is given back to its source: ${asError(thrown).message}`, { record: around.delivery.id });
      return 'redeliver';
    }
  }

  /** Whoever is slow to take metrics or a trace does not keep the answer from the source. */
  private async report(invocation: Invocation): Promise<void> {
    const { clock, metrics, tracer } = this.ports;
    const reported = new AbortController();
    const patience = clock.sleep(Math.max(0, invocation.deadline - clock.now() - ANSWER_TIME), reported.signal);
    await Promise.race([Promise.all([metrics.flush(), tracer?.flush()]), patience]);
    reported.abort('reported');
  }

  private startDeadline(invocation: Invocation): Deadline & { stop(): void } {
    const { clock } = this.ports;
    const reserve = Math.min(LONGEST_RESERVE, (invocation.deadline - clock.now()) / 5);
    const end = invocation.deadline - reserve;
    const passed = new AbortController();
    const stopped = new AbortController();
    const reached = new Promise<void>((resolve) => passed.signal.addEventListener('abort', () => resolve(), { once: true }));
    void clock.sleep(end - clock.now(), stopped.signal).then(() => {
      if (!stopped.signal.aborted) passed.abort();
    });
    return {
      signal: passed.signal,
      reached,
      remainingMilliseconds: () => Math.max(0, end - clock.now()),
      stop: () => stopped.abort('done'),
    };
  }
}

interface Arrival {
  readonly delivery: Delivery;
  readonly decoded: Decoded;
}

/** The deliveries, those of one execution in one line, in the order of their arrival. */
function linesOfExecutions(deliveries: readonly Delivery[], limit: number): Arrival[][] {
  const lines: Arrival[][] = [];
  const lineOf = new Map<string, Arrival[]>();
  for (const delivery of deliveries) {
    const decoded = decodeEnvelope(delivery.body, limit);
    const executionId = 'envelope' in decoded ? decoded.envelope.executionId : undefined;
    let line = executionId === undefined ? undefined : lineOf.get(executionId);
    if (!line) {
      line = [];
      lines.push(line);
      if (executionId !== undefined) lineOf.set(executionId, line);
    }
    line.push({ delivery, decoded });
  }
  return lines;
}
