import type { ActionLookup, DueStore, Ports } from '../engine';
import { Activity } from './activity';
import { Environment, type Connection, type EnvironmentParts } from './environment';
import { EventSourceMapping } from './event-source-mapping';
import { Faults, type FaultRule } from './faults';
import { createServices, type InMemoryServices, type ServiceOptions } from './in-memory-services';
import type { SharedServices } from './intercepted-ports';
import type { PolledSource } from './polled-source';
import { MetricTotals, RecordedMetrics } from './recorded-metrics';
import { Recorder } from './recorder';
import { RetryTimer } from './retry-timer';
import { SeededRandom } from './seeded-random';
import { TestFunction, type Handler } from './test-function';
import { settle, VirtualClock } from './virtual-clock';

/** Lambda recommends six times the function's timeout for the visibility timeout of a queue. */
const VISIBILITY_FACTOR = 6;

/** How the workflow under test is set up, and what it has to bear. */
export interface BenchOptions extends ServiceOptions {
  /** What goes wrong. */
  readonly faults?: readonly FaultRule[];
  /**
   * Decides all that is left to chance: jitter, faults, disorder. The same seed gives the same run.
   *
   * @default 0
   */
  readonly seed?: number | string;
  /**
   * Milliseconds after which an invocation is killed.
   *
   * @default 30000
   */
  readonly timeout?: number;
  /**
   * Most records of a batch.
   *
   * @default 10
   */
  readonly batchSize?: number;
  /**
   * Most invocations at once for each source.
   *
   * @default 5
   */
  readonly concurrency?: number;
  /**
   * The most milliseconds by which the clocks of the environments are wrong.
   *
   * @default 0
   */
  readonly clockSkew?: number;
  /**
   * Real milliseconds for which virtual time waits for an action that neither ends nor sleeps by the virtual clock. After that the action
   * is taken to hang, and time goes on to the function's deadline.
   *
   * @default 1000
   */
  readonly patience?: number;
}

/** How long to go on. */
export interface RunOptions {
  /**
   * Most invocations, after which the run is taken to have no end.
   *
   * @default 10000
   */
  readonly maxInvocations?: number;
  /** Stops early, between two turns, when it answers true. */
  readonly until?: () => boolean;
}

/** The services under a bench, where they are not those of the test kit as they are. */
export interface BenchServices {
  /**
   * Makes them.
   *
   * @default - {@link createServices} with the options of the bench
   */
  readonly create?: (clock: VirtualClock, random: SeededRandom, visibilityTimeout: number) => InMemoryServices;
  /**
   * Connects an environment to them.
   *
   * @default - by what they are
   */
  readonly connect?: (services: InMemoryServices, parts: EnvironmentParts) => SharedServices;
  /**
   * Whether code waits for nothing but the next turn of the event loop. Virtual time waits for it, then.
   *
   * @default - it never does
   */
  readonly busy?: () => boolean;
}

/** There was more to do than a run may take. */
export class EndlessRunError extends Error {
  public override readonly name = 'EndlessRunError';

  constructor(invocations: number, unfinished: readonly string[]) {
    const shown = unfinished.slice(0, 10);
    const more = unfinished.length > shown.length ? ` and ${unfinished.length - shown.length} more` : '';
    super(
      `After ${invocations} invocations there is still something to do. Under way: ${shown.join(', ') || 'no execution'}${more}. ` +
      'Look for a machine that goes round in circles, stop the run with "until", or allow more with "maxInvocations".',
    );
  }
}

/**
 * The whole of a workflow in memory, under one virtual clock: services, event source mappings, function, timers, faults. What the code of
 * the function is, is up to the user of the bench.
 */
export class TestBench {
  public readonly clock = new VirtualClock();
  public readonly random: SeededRandom;
  public readonly services: InMemoryServices;
  public readonly faults: Faults;
  public readonly totals = new MetricTotals();
  public readonly activity = new Activity();
  /** Sees all that happens. */
  public readonly recorder = new Recorder(this.clock);
  public readonly function: TestFunction;
  private client: Environment;
  private readonly createClient: () => Environment;
  private readonly pollers: readonly (EventSourceMapping | RetryTimer)[];
  private readonly patience: number;
  private readonly turning: () => boolean;
  private driven = false;
  /** Of invocations that threw. */
  private readonly failures: unknown[] = [];

  /**
   * @param handler makes the code of the function for a new environment
   * @param options how it is set up
   */
  constructor(
    handler: (environment: Environment, bench: TestBench) => Handler,
    options: BenchOptions = {},
    { create, connect = (services) => services, busy = () => false }: BenchServices = {},
  ) {
    const { timeout = 30_000, batchSize = 10, concurrency = 5, clockSkew = 0 } = options;
    const { clock, totals } = this;
    this.patience = options.patience ?? 1000;
    this.turning = busy;
    this.random = new SeededRandom(options.seed ?? 0);
    const visibilityTimeout = VISIBILITY_FACTOR * timeout;
    this.services = create?.(clock, this.random, visibilityTimeout) ?? createServices(options, clock, this.random, visibilityTimeout);
    const began = clock.now();
    this.faults = new Faults(options.faults ?? [], this.random.fork('faults'), () => clock.now() - began);
    const toServices = (parts: EnvironmentParts): Connection => {
      const services = connect(this.services, parts);
      return { services: this.recorder.watch(services), dueStores: dueStoresOf(services) };
    };
    const { faults } = this;
    this.function = new TestFunction({
      clock, connect: toServices, faults, totals, timeout, clockSkew, random: this.random.fork('function'), handler: (environment) => this.watch(handler(environment, this)),
    });
    let clients = 0;
    this.createClient = () => new Environment({
      name: 'client',
      clock,
      faults,
      client: true,
      connect: toServices,
      metrics: new RecordedMetrics(totals),
      // Numbers of its own, or it would give the names once more that the client before it has given.
      random: this.random.fork(`client-${clients += 1}`),
    });
    this.client = this.createClient();
    const map = (source: PolledSource) => new EventSourceMapping({ source, function: this.function, batchSize, concurrency });
    this.pollers = [
      ...this.services.eventSources.map(map),
      ...this.services.retryQueues.map((retries, index) => (
        'take' in retries ? map(retries) : new RetryTimer(retries, index, this.function, clock)
      )),
    ];
  }

  /**
   * Goes on until nothing is left to do, however much virtual time that takes.
   *
   * @throws EndlessRunError when that does not come about
   */
  public async run(options: RunOptions = {}): Promise<void> {
    await this.drive(Infinity, options);
  }

  /** Goes on for that many milliseconds of virtual time. */
  public async advance(milliseconds: number, options: RunOptions = {}): Promise<void> {
    await this.drive(this.clock.now() + milliseconds, options);
  }

  /**
   * Runs code of a client of the workflow. Faults can hit its calls by their names with `client` before. Time passes while it waits for
   * nothing else, but nothing is delivered.
   *
   * @throws EnvironmentDiedError when a fault has made the client crash
   */
  public async asClient<T>(code: (ports: Ports) => Promise<T>): Promise<T> {
    this.client = this.client.dead ? this.createClient() : this.client;
    const { ports } = this.client;
    let pending = true;
    const work = this.client.run(Infinity, () => code(ports)).finally(() => {
      pending = false;
    });
    await Promise.race([work, settle()]);
    while (pending && !this.driven && this.clock.jump()) {
      await Promise.race([work, settle()]);
    }
    return work;
  }

  /**
   * Actions as they run in an environment: virtual time waits for them, faults can hit them by their names with `actions` before, and they
   * are recorded.
   */
  public instrument(environment: Environment, actions: ActionLookup): ActionLookup {
    return (machine, name) => {
      const action = actions(machine, name);
      return action && ((context, run) => environment.call(
        `actions.${name}`,
        () => this.activity.work(() => this.recorder.act(name, run, () => action(context, run))),
      ));
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
      throw new Error('The workflow is running already: "run" and "advance" cannot be called by an action, or twice at once.');
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

  /** Lets everything run that can. */
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

  /** Delivers what can be delivered now, or else moves on in time. */
  private next(limit: number): boolean {
    // All of them: one that is passed over because another had something to do might starve.
    if (this.pollers.map((poller) => poller.poll((error) => this.failures.push(error))).includes(true)) {
      return true;
    }
    const moments = [this.clock.nextTimer, ...this.pollers.map(({ nextAt }) => nextAt)].filter((moment) => moment !== undefined);
    const next = Math.min(...moments);
    this.clock.jump(Math.min(next, limit));
    return next <= limit && next !== Infinity;
  }

  private unfinished(): string[] {
    return this.services.locks.all
      .filter(({ status }) => status === 'running')
      .map(({ executionId, machine, state, step }) => `"${executionId}" of machine "${machine}" in state "${state}" at step ${step}`);
  }
}

function dueStoresOf({ retryQueues }: SharedServices): ReadonlyMap<number, DueStore> {
  return new Map(retryQueues.flatMap((queue, index) => (isDueStore(queue) ? [[index, queue] as const] : [])));
}

function isDueStore(queue: object): queue is DueStore {
  return 'due' in queue && 'remove' in queue;
}
