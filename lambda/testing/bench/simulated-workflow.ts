import { Activity } from './activity';
import { EventSourceMapping } from './event-source-mapping';
import { ExecutionEnvironment, type Connection, type EnvironmentParts } from './execution-environment';
import { RetryTimer } from './retry-timer';
import { SimulatedFunction, type Handler } from './simulated-function';
import type { ActionLookup, DueStore, Ports } from '../../engine';
import { SeededRandom } from '../determinism/seeded-random';
import { settle, VirtualClock } from '../determinism/virtual-clock';
import { Faults, type FaultRule } from '../faults/faults';
import type { SharedServices } from '../faults/intercepted-ports';
import { MetricTotals, RecordedMetrics } from '../recording/recorded-metrics';
import { Recorder } from '../recording/recorder';
import { createServices, type InMemoryServices, type ServiceOptions } from '../services/in-memory-services';
import type { PolledSource } from '../services/polled-source';

/** Time by which the visibility timeout of the queues exceeds the function's timeout, in milliseconds. */
const VISIBILITY_MARGIN_MS = 30_000;

/** The configuration of a simulated workflow, and the faults to inject. */
export interface SimulatedWorkflowOptions extends ServiceOptions {
  /**
   * The faults to inject.
   *
   * @default - none
   */
  readonly faults?: readonly FaultRule[];
  /**
   * The seed of all randomness: jitter, faults, message order. The same seed produces the same run.
   *
   * @default 0
   */
  readonly seed?: number | string;
  /**
   * Timeout of the function, in milliseconds.
   *
   * @default 30000
   */
  readonly timeout?: number;
  /**
   * Maximum number of records in a batch: an integer ≥ 1.
   *
   * @default 10
   */
  readonly batchSize?: number;
  /**
   * Maximum number of concurrent invocations for each source: an integer ≥ 1.
   *
   * @default 5
   */
  readonly concurrency?: number;
  /**
   * Maximum deviation of the execution environments' clocks in either direction, in milliseconds.
   *
   * @default 0
   */
  readonly clockSkew?: number;
  /**
   * Milliseconds by which the clocks of clients are ahead; negative if they are behind.
   *
   * @default 0
   */
  readonly clientClockSkew?: number;
  /**
   * Real milliseconds that virtual time waits for an action that neither ends nor sleeps by the virtual clock. After that, the action is
   * considered hung, and time advances to the function's timeout.
   *
   * @default 1000
   */
  readonly patience?: number;
}

/** Limits of a run. */
export interface RunOptions {
  /**
   * Maximum number of invocations. If work is left after that, the run throws {@link EndlessRunError}.
   *
   * @default 10000
   */
  readonly maxInvocations?: number;
  /**
   * Stops the run early, between two rounds of deliveries, once it returns true.
   *
   * @default - runs until no work is left
   */
  readonly until?: () => boolean;
}

/** Replaces the in-memory services of a {@link SimulatedWorkflow}. */
export interface ServiceWiring {
  /**
   * Creates the services.
   *
   * @default - {@link createServices} with the options of the workflow
   */
  readonly create?: (clock: VirtualClock, random: SeededRandom, visibilityTimeout: number) => InMemoryServices;
  /**
   * Connects an execution environment to the services.
   *
   * @default - the services themselves
   */
  readonly connect?: (services: InMemoryServices, parts: EnvironmentParts) => SharedServices;
  /**
   * Whether code waits only for the next turn of the event loop. Virtual time stands still while it does.
   *
   * @default - never
   */
  readonly busy?: () => boolean;
}

/** Thrown if a run still has work left after its maximum number of invocations. */
export class EndlessRunError extends Error {
  public override readonly name = 'EndlessRunError';

  constructor(invocations: number, unfinished: readonly string[]) {
    const shown = unfinished.slice(0, 10);
    const more = unfinished.length > shown.length ? ` and ${unfinished.length - shown.length} more` : '';
    super(
      `The run is not finished after ${invocations} invocations. Running: ${shown.join(', ') || 'no execution'}${more}. ` +
        'Check the machines for an endless loop, stop the run with "until", or raise "maxInvocations".',
    );
  }
}

/**
 * A complete workflow in memory, under one virtual clock: services, event source mappings, function, timers and faults. The caller provides
 * the code of the function.
 */
export class SimulatedWorkflow {
  public readonly clock = new VirtualClock();
  public readonly random: SeededRandom;
  public readonly services: InMemoryServices;
  public readonly faults: Faults;
  public readonly totals = new MetricTotals();
  public readonly activity = new Activity();
  /** Records the steps of all executions. */
  public readonly recorder = new Recorder(this.clock);
  public readonly function: SimulatedFunction;
  private client: ExecutionEnvironment;
  private readonly createClient: () => ExecutionEnvironment;
  private readonly pollers: readonly (EventSourceMapping | RetryTimer)[];
  private readonly patience: number;
  private readonly turning: () => boolean;
  private driven = false;
  /** Errors of invocations that threw. */
  private readonly failures: unknown[] = [];

  /**
   * @param handler creates the code of the function for a new execution environment
   * @throws RangeError if a fault is invalid, or there is no event source or no retry queue
   */
  constructor(
    handler: (environment: ExecutionEnvironment, workflow: SimulatedWorkflow) => Handler,
    options: SimulatedWorkflowOptions = {},
    { create, connect = (services) => services, busy = () => false }: ServiceWiring = {},
  ) {
    const { timeout = 30_000, batchSize = 10, concurrency = 5, clockSkew = 0 } = options;
    const { clock, totals } = this;
    this.patience = options.patience ?? 1000;
    this.turning = busy;
    this.random = new SeededRandom(options.seed ?? 0);
    const visibilityTimeout = timeout + VISIBILITY_MARGIN_MS;
    this.services =
      create?.(clock, this.random, visibilityTimeout) ?? createServices(options, clock, this.random, visibilityTimeout);
    const began = clock.now();
    this.faults = new Faults(options.faults ?? [], this.random.fork('faults'), () => clock.now() - began);
    const toServices = (parts: EnvironmentParts): Connection => {
      const services = connect(this.services, parts);
      return { services: this.recorder.watch(services), dueStores: dueStoresOf(services) };
    };
    const { faults } = this;
    this.function = new SimulatedFunction({
      clock,
      connect: toServices,
      faults,
      totals,
      timeout,
      clockSkew,
      random: this.random.fork('function'),
      handler: (environment) => this.watch(handler(environment, this)),
    });
    let clients = 0;
    this.createClient = () =>
      new ExecutionEnvironment({
        name: 'client',
        clock,
        faults,
        client: true,
        clockSkew: options.clientClockSkew,
        connect: toServices,
        metrics: new RecordedMetrics(totals),
        // A separate generator: otherwise its ids would repeat those of the previous client.
        random: this.random.fork(`client-${(clients += 1)}`),
      });
    this.client = this.createClient();
    const map = (source: PolledSource) =>
      new EventSourceMapping({ source, function: this.function, batchSize, concurrency });
    this.pollers = [
      ...this.services.eventSources.map(map),
      ...this.services.retryQueues.map((retries, index) =>
        'take' in retries ? map(retries) : new RetryTimer(retries, index, this.function, clock),
      ),
    ];
  }

  /**
   * Runs until no work is left. Virtual time advances as far as necessary.
   *
   * @throws EndlessRunError if work is left after `maxInvocations` invocations
   */
  public async run(options: RunOptions = {}): Promise<void> {
    await this.drive(Infinity, options);
  }

  /**
   * Runs for a duration of virtual time.
   *
   * @throws EndlessRunError if work is left within that time after `maxInvocations` invocations
   */
  public async advance(durationMs: number, options: RunOptions = {}): Promise<void> {
    await this.drive(this.clock.now() + durationMs, options);
  }

  /**
   * Runs the code of a client. Faults target its calls with the prefix `client`. Virtual time advances while the code waits, but no message
   * is delivered.
   *
   * @throws EnvironmentDiedError if a fault crashes the client
   */
  public async asClient<T>(code: (ports: Ports) => Promise<T>): Promise<T> {
    this.client = this.client.dead ? this.createClient() : this.client;
    const { ports } = this.client;
    let pending = true;
    const work = this.client
      .run(Infinity, () => code(ports))
      .finally(() => {
        pending = false;
      });
    await Promise.race([work, settle()]);
    while (pending && !this.driven && this.clock.jump()) {
      await Promise.race([work, settle()]);
    }
    return work;
  }

  /**
   * Wraps the actions that run in an environment: virtual time waits for them, faults can target them with the prefix `actions`, and their
   * calls are recorded.
   */
  public instrument(environment: ExecutionEnvironment, actions: ActionLookup): ActionLookup {
    return (machine, name) => {
      const action = actions(machine, name);
      return (
        action &&
        ((context, run) =>
          environment.call(`actions.${name}`, () =>
            this.activity.work(() => this.recorder.act(name, run, () => action(context, run))),
          ))
      );
    };
  }

  private watch(handler: Handler): Handler {
    return {
      process: (deliveries, invocation) => {
        this.recorder.deliver(deliveries);
        return handler.process(deliveries, invocation);
      },
      sendDue: (stores, until, invocation) => handler.sendDue(stores, until, invocation),
    };
  }

  private async drive(limit: number, { maxInvocations = 10_000, until = () => false }: RunOptions): Promise<void> {
    if (this.driven) {
      throw new Error(
        'The workflow is already running: await the previous "run" or "advance", and do not call them from an action.',
      );
    }
    this.driven = true;
    const invoked = this.function.invocations;
    try {
      do {
        await this.quiet();
        if (this.failures.length > 0) {
          throw this.failures.shift();
        }
        if (this.function.invocations - invoked > maxInvocations) {
          throw new EndlessRunError(maxInvocations, this.unfinished());
        }
      } while (!until() && this.next(limit));
    } finally {
      this.driven = false;
    }
  }

  /** Lets all code run that can. */
  private async quiet(): Promise<void> {
    await this.settle();
    while (this.activity.busy) {
      await this.activity.pause(this.patience);
      await this.settle();
    }
  }

  private async settle(): Promise<void> {
    do {
      await settle();
    } while (this.turning());
  }

  /** Delivers the messages that can be delivered now; if there are none, advances the clock. */
  private next(limit: number): boolean {
    // Polls all of them, even after the first one had messages: otherwise the others might starve.
    if (this.pollers.map((poller) => poller.poll((error) => this.failures.push(error))).includes(true)) {
      return true;
    }
    const moments = [this.clock.nextTimer, ...this.pollers.map(({ nextAt }) => nextAt)].filter(
      (moment) => moment !== undefined,
    );
    const next = Math.min(...moments);
    this.clock.jump(Math.min(next, limit));
    return next <= limit && next !== Infinity;
  }

  private unfinished(): string[] {
    return this.services.locks.all
      .filter(({ status }) => status === 'running' || status === 'pending')
      .map(
        ({ executionId, machine, state, step }) =>
          `"${executionId}" of machine "${machine}" ${state === '' ? 'before its first state' : `in state "${state}" at step ${step}`}`,
      );
  }
}

function dueStoresOf({ retryQueues }: SharedServices): ReadonlyMap<number, DueStore> {
  return new Map(retryQueues.flatMap((queue, index) => (isDueStore(queue) ? [[index, queue] as const] : [])));
}

function isDueStore(queue: object): queue is DueStore {
  return 'due' in queue && 'remove' in queue;
}
