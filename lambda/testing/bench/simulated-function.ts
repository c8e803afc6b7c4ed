import {
  ExecutionEnvironment,
  EnvironmentDiedError,
  type Connection,
  type EnvironmentParts,
} from './execution-environment';
import type { Delivery, DueStore, Invocation, Outcome } from '../../engine';
import type { SeededRandom } from '../determinism/seeded-random';
import type { VirtualClock } from '../determinism/virtual-clock';
import type { Faults } from '../faults/faults';
import { RecordedMetrics, type MetricTotals } from '../recording/recorded-metrics';

/** The code of the function in one execution environment. `Engine` implements it. */
export interface Handler {
  /** Processes a batch, and returns the outcome of each delivery by its id. */
  process(deliveries: readonly Delivery[], invocation: Invocation): Promise<ReadonlyMap<string, Outcome>>;
  /** Sends the envelopes in the stores that are due before `until`. */
  sendDue(stores: readonly DueStore[], until: number, invocation: Invocation): Promise<void>;
}

/** Options of {@link SimulatedFunction}. */
export interface SimulatedFunctionOptions {
  readonly clock: VirtualClock;
  /** Connects an environment to the services. */
  readonly connect: (parts: EnvironmentParts) => Connection;
  readonly faults: Faults;
  readonly random: SeededRandom;
  /** Sums up the metrics of all invocations. */
  readonly totals: MetricTotals;
  /** Creates the code of the function for a new environment. */
  readonly handler: (environment: ExecutionEnvironment) => Handler;
  /** Timeout of an invocation, in milliseconds. */
  readonly timeout: number;
  /** Maximum deviation of an environment's clock in either direction, in milliseconds. */
  readonly clockSkew: number;
}

interface Worker {
  readonly environment: ExecutionEnvironment;
  readonly handler: Handler;
}

/** A Lambda function in memory: a pool of execution environments. Each handles one invocation at a time and is reused unless it crashed. */
export class SimulatedFunction {
  private readonly idle: Worker[] = [];
  private busy = 0;
  private created = 0;
  private invoked = 0;

  constructor(private readonly options: SimulatedFunctionOptions) {}

  /** The number of invocations so far. */
  public get invocations(): number {
    return this.invoked;
  }

  /** The number of invocations in progress. */
  public get running(): number {
    return this.busy;
  }

  /**
   * Invokes the function with a batch.
   *
   * @returns the outcome of each delivery by its id; `undefined` if the invocation crashed or timed out
   */
  public process(deliveries: readonly Delivery[]): Promise<ReadonlyMap<string, Outcome> | undefined> {
    return this.invoke(({ handler }, invocation) => handler.process(deliveries, invocation));
  }

  /** Invokes the function, as the retry timer does, to send the envelopes in a retry table that are due before `until`. */
  public async sendDue(queue: number, until: number): Promise<void> {
    await this.invoke(async ({ environment, handler }, invocation) => {
      await handler.sendDue([environment.dueStore(queue)], until, invocation).catch((error: unknown) => {
        // The next invocation retries: the envelopes stay in the table.
        environment.ports.logger.warn(`The retry timer failed: ${String(error)}`);
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
        // The invocation of a frozen environment is reported as failed, but its code continues later: that is the point of a pause.
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
    const environment = new ExecutionEnvironment({
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
