import type { Delivery, DueStore, Invocation, Outcome } from '../engine';
import { Environment, EnvironmentDiedError, type Connection, type EnvironmentParts } from './environment';
import type { Faults } from './faults';
import { RecordedMetrics, type MetricTotals } from './recorded-metrics';
import type { SeededRandom } from './seeded-random';
import type { VirtualClock } from './virtual-clock';

/** The code of the function, as it runs in one environment: an `Engine` is one. */
export interface Handler {
  /** Processes a batch and tells what became of each delivery. */
  process(deliveries: readonly Delivery[], invocation: Invocation): Promise<ReadonlyMap<string, Outcome>>;
  /** Sends on what falls due in the stores. */
  sendDue(stores: readonly DueStore[], until: number, invocation: Invocation): Promise<void>;
}

/** Options of {@link TestFunction}. */
export interface TestFunctionOptions {
  readonly clock: VirtualClock;
  /** Connects an environment to the services that it uses. */
  readonly connect: (parts: EnvironmentParts) => Connection;
  readonly faults: Faults;
  readonly random: SeededRandom;
  /** Where its invocations' metrics are added up. */
  readonly totals: MetricTotals;
  /** Makes the code for a new environment. */
  readonly handler: (environment: Environment) => Handler;
  /** Milliseconds after which an invocation is killed. */
  readonly timeout: number;
  /** The most milliseconds by which the clock of an environment is wrong, ahead or behind. */
  readonly clockSkew: number;
}

interface Worker {
  readonly environment: Environment;
  readonly handler: Handler;
}

/** The function in memory: a pool of environments, each of which handles one invocation at a time and is used again unless it died. */
export class TestFunction {
  private readonly idle: Worker[] = [];
  private busy = 0;
  private created = 0;
  private invoked = 0;

  constructor(private readonly options: TestFunctionOptions) {}

  /** How many invocations there were so far. */
  public get invocations(): number {
    return this.invoked;
  }

  /** How many invocations are under way. */
  public get running(): number {
    return this.busy;
  }

  /**
   * Processes a batch.
   *
   * @returns what became of each delivery, or nothing when the invocation died
   */
  public process(deliveries: readonly Delivery[]): Promise<ReadonlyMap<string, Outcome> | undefined> {
    return this.invoke(({ handler }, invocation) => handler.process(deliveries, invocation));
  }

  /** Sends on what falls due in a table among the retry queues, as the timer makes the function do it. */
  public async sendDue(queue: number, until: number): Promise<void> {
    await this.invoke(async ({ environment, handler }, invocation) => {
      await handler.sendDue([environment.dueStore(queue)], until, invocation).catch((error: unknown) => {
        // The next timer tries again; that nothing is lost shows in the table.
        environment.ports.logger.warn(`The timer failed: ${String(error)}`);
      });
    });
  }

  private async invoke<T>(code: (worker: Worker, invocation: Invocation) => Promise<T>): Promise<T | undefined> {
    const worker = this.idle.pop() ?? this.create();
    const { environment } = worker;
    const { clock, timeout } = this.options;
    this.busy += 1;
    this.invoked += 1;
    let stopTimer = (): void => undefined;
    const expired = new Promise<undefined>((resolve) => {
      stopTimer = clock.schedule(clock.now() + timeout, () => {
        // An environment that stands still is given up, but goes on later: that is what a pause is for.
        if (!environment.paused) {
          environment.crash();
        }
        resolve(undefined);
      });
    });
    try {
      return await Promise.race([environment.run(timeout, (invocation) => code(worker, invocation)), expired]);
    } catch (error) {
      if (error instanceof EnvironmentDiedError) {
        return undefined;
      }
      throw error;
    } finally {
      stopTimer();
      this.busy -= 1;
      if (!environment.dead && !environment.paused) {
        this.idle.push(worker);
      }
    }
  }

  private create(): Worker {
    this.created += 1;
    const { clock, connect, faults, totals, clockSkew } = this.options;
    const name = `environment-${this.created}`;
    const random = this.options.random.fork(name);
    const environment = new Environment({
      name,
      clock,
      connect,
      random,
      metrics: new RecordedMetrics(totals),
      faults,
      clockSkew: random.between(-clockSkew, clockSkew),
    });
    return { environment, handler: this.options.handler(environment) };
  }
}
