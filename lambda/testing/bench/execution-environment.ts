import { setMaxListeners } from 'node:events';
import type { Clock, DueStore, Invocation, Metrics, Ports, Random } from '../../engine';
import { ServiceClock } from '../../engine/executions/service-clock';
import type { VirtualClock } from '../determinism/virtual-clock';
import { InjectedRefusalError, type CallName, type FaultPlan, type Faults } from '../faults/faults';
import { interceptDueStore, interceptPorts, type Call, type SharedServices } from '../faults/intercepted-ports';
import { wrapPort } from '../services/wrap-port';

/** The parts of an execution environment that a connection to the services uses. */
export interface EnvironmentParts {
  /** The environment's own clock, with its skew. */
  readonly clock: Clock;
  readonly random: Random;
  /** Makes a call from the environment, with injected faults: see {@link ExecutionEnvironment.call}. */
  readonly call: Call;
}

/** The connection of one environment to the services. */
export interface Connection {
  readonly services: SharedServices;
  /** The retry queues that a timer must poll for due envelopes, by the index of the queue. */
  readonly dueStores: ReadonlyMap<number, DueStore>;
}

/** Options of {@link ExecutionEnvironment}. */
export interface EnvironmentOptions {
  /** Name for traces. */
  readonly name: string;
  /** The clock that all environments share. */
  readonly clock: VirtualClock;
  /** Connects the environment to the services. */
  readonly connect: (parts: EnvironmentParts) => Connection;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly faults: Faults;
  /**
   * Milliseconds by which the environment's clock is ahead of the shared clock; negative if it is behind.
   *
   * @default 0
   */
  readonly clockSkew?: number;
  /**
   * Whether the environment runs a client of the workflow instead of its function.
   *
   * @default false
   */
  readonly client?: boolean;
}

/** Thrown if an execution environment crashes during a call or an invocation, because a `crash` fault was injected. */
export class EnvironmentDiedError extends Error {
  public override readonly name = 'EnvironmentDiedError';

  constructor(environment: string) {
    super(`Execution environment "${environment}" crashed during the invocation.`);
  }
}

/**
 * An execution environment of the workflow's function. It owns the memory that is lost in a crash, and all calls from it to the services
 * pass through it. So faults are injected here:
 *
 *     engine ──┤crash? pause? fail?├── delay ──► takes effect ── delay ──┤crash? pause? fail?├──► engine
 *
 * A crashed environment makes no further calls, and none of its promises resolve. A request that it sent before the crash still arrives.
 */
export class ExecutionEnvironment {
  /** The ports that the code in this environment uses. */
  public readonly ports: Ports;
  /** Aborted by a crash. */
  private readonly death = new AbortController();
  private pausedUntil = -Infinity;
  private readonly callService: Call;
  private readonly dueStores: ReadonlyMap<number, DueStore>;

  constructor(private readonly options: EnvironmentOptions) {
    setMaxListeners(0, this.death.signal);
    const { connect, client, random, metrics } = options;
    const own = this.clock();
    const corrected = client ? new ServiceClock(own) : undefined;
    const clock = corrected ?? own;
    this.callService = async (name, effect, entries, content) => {
      const answer = await this.call(client ? `client.${name}` : name, effect, entries, content);
      corrected?.observe(options.clock.now());
      return answer;
    };
    const { services, dueStores } = connect({ clock, random, call: this.callService });
    this.dueStores = dueStores;
    this.ports = {
      ...interceptPorts(services, this.callService),
      metrics: this.metrics(metrics),
      clock,
      random,
      logger: services.logger,
      refusesContent: (error) => error instanceof InjectedRefusalError,
    };
  }

  /** Name for traces. */
  public get name(): string {
    return this.options.name;
  }

  /** Whether the environment has crashed. */
  public get dead(): boolean {
    return this.death.signal.aborted;
  }

  /** Whether the environment is frozen. */
  public get paused(): boolean {
    return this.pausedUntil > this.options.clock.now();
  }

  /**
   * Returns a table of due envelopes, for the code in this environment.
   *
   * @param queue the index of the table among the retry queues
   * @throws RangeError if that retry queue is not a table
   */
  public dueStore(queue: number): DueStore {
    const store = this.dueStores.get(queue);
    if (!store) {
      throw new RangeError(`Retry queue ${queue} is not a table that a timer polls for due envelopes.`);
    }
    return interceptDueStore(store, `retryQueues[${queue}]`, this.callService);
  }

  /** Crashes the environment: code that runs in it never continues. */
  public crash(): void {
    this.death.abort();
  }

  /** Freezes the environment. */
  public pause(pauseMs: number): void {
    this.pausedUntil = Math.max(this.pausedUntil, this.options.clock.now() + pauseMs);
  }

  /**
   * Runs code in this environment.
   *
   * @param timeoutMs milliseconds until the deadline of the invocation
   * @throws EnvironmentDiedError if the environment crashes first
   */
  public run<T>(timeoutMs: number, code: (invocation: Invocation) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const died = () => reject(new EnvironmentDiedError(this.name));
      this.death.signal.addEventListener('abort', died, { once: true });
      code({ deadline: this.ports.clock.now() + timeoutMs })
        .then(resolve, reject)
        .finally(() => this.death.signal.removeEventListener('abort', died));
    });
  }

  /**
   * Makes a call from this environment, and injects the faults planned for it.
   *
   * @param name the name by which faults target the call
   * @param effect makes the call
   * @param entries the number of entries, if the call is a batch
   * @param content the entries of a batch, or the arguments of another call
   */
  public async call<T>(
    name: CallName,
    effect: (plan: FaultPlan) => Promise<T>,
    entries?: number,
    content?: readonly unknown[],
  ): Promise<T> {
    await this.alive();
    const plan = this.options.faults.plan(name, entries, content);
    await this.disturb('before', plan);
    await this.pass(plan.delay[0]);
    const result = await effect(plan);
    if (plan.repeat !== undefined) {
      this.options.clock.schedule(
        this.options.clock.now() + plan.repeat,
        () => void effect(plan).catch(() => undefined),
      );
    }
    await this.pass(plan.delay[1]);
    await this.alive();
    await this.disturb('after', plan);
    return result;
  }

  private async disturb(moment: 'before' | 'after', plan: FaultPlan): Promise<void> {
    if (plan.crash === moment) {
      this.crash();
      await this.alive();
    }
    if (plan.pause?.effect === moment) {
      this.pause(plan.pause.milliseconds);
      await this.alive();
    }
    if (plan.fail?.effect === moment) {
      throw plan.fail.error;
    }
  }

  /** Delays a request in transit, by the shared clock: a crash of the sender does not stop it. */
  private async pass(delayMs: number): Promise<void> {
    if (delayMs > 0) {
      await this.options.clock.sleep(delayMs);
    }
  }

  /** Blocks code in this environment while it is frozen, and forever once it has crashed. */
  private async alive(): Promise<void> {
    while (this.paused && !this.dead) {
      await this.options.clock.sleep(this.pausedUntil - this.options.clock.now(), this.death.signal);
    }
    if (this.dead) {
      await new Promise(() => undefined);
    }
  }

  /** The clock of this environment, with its skew. */
  private clock(): Clock {
    const { clock, clockSkew = 0 } = this.options;
    return {
      now: () => clock.now() + clockSkew,
      sleep: async (milliseconds, signal) => {
        const { signal: death } = this.death;
        await clock.sleep(milliseconds, signal ? AbortSignal.any([signal, death]) : death);
        await this.alive();
      },
    };
  }

  private metrics(metrics: Metrics): Metrics {
    return wrapPort(metrics, {
      flush: async () => {
        if (!this.dead) await metrics.flush();
      },
    });
  }
}
