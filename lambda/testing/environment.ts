import { setMaxListeners } from 'node:events';
import type { CallName, FaultPlan, Faults } from './faults';
import { interceptDueStore, interceptPorts, type Call, type SharedServices } from './intercepted-ports';
import type { VirtualClock } from './virtual-clock';
import type { Clock, DueStore, Invocation, Metrics, Ports, Random } from '../engine';

/** What a connection has of the environment that it is made for. */
export interface EnvironmentParts {
  /** The clock as it goes there. */
  readonly clock: Clock;
  readonly random: Random;
  /** Makes a call out of it, which faults may hit: see {@link Environment.call}. */
  readonly call: Call;
}

/** The services as one environment is connected to them. */
export interface Connection {
  readonly services: SharedServices;
  /** Those of the retry queues that a timer must ask what is due, by the number of the queue. */
  readonly dueStores: ReadonlyMap<number, DueStore>;
}

/** What an environment is made of. */
export interface EnvironmentOptions {
  /** Name, for traces. */
  readonly name: string;
  /** The time of the world. */
  readonly clock: VirtualClock;
  /** Connects it to the services. */
  readonly connect: (parts: EnvironmentParts) => Connection;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly faults: Faults;
  /**
   * Milliseconds by which its clock is ahead of the world's; negative when it is behind.
   *
   * @default 0
   */
  readonly clockSkew?: number;
  /**
   * Whether a client of the workflow runs in it instead of its function.
   *
   * @default false
   */
  readonly client?: boolean;
}

/** The invocation was still under way when its environment died. */
export class EnvironmentDiedError extends Error {
  public override readonly name = 'EnvironmentDiedError';

  constructor(environment: string) {
    super(`The environment ${environment} died during the invocation.`);
  }
}

/**
 * An execution environment of the workflow's function: the memory that dies with it, and the only way from it to the services.
 *
 * Every call passes through here, so this is where it fails, is delayed or repeated, and where an environment dies or stands still:
 *
 *     engine ──┤crash? pause? fail?├── delay ──► takes effect ── delay ──┤crash? pause? fail?├──► engine
 *
 * Once dead, an environment begins no further call, and none of its promises resolves. A request that had left it before still arrives.
 */
export class Environment {
  /** The services as the code in this environment sees them. */
  public readonly ports: Ports;
  /** Aborted when the environment dies. */
  private readonly death = new AbortController();
  private standsStillUntil = -Infinity;
  private readonly callService: Call;
  private readonly dueStores: ReadonlyMap<number, DueStore>;

  constructor(private readonly options: EnvironmentOptions) {
    setMaxListeners(0, this.death.signal);
    const { connect, client, random, metrics } = options;
    this.callService = (name, effect, entries) => this.call(client ? `client.${name}` : name, effect, entries);
    const clock = this.clock();
    const { services, dueStores } = connect({ clock, random, call: this.callService });
    this.dueStores = dueStores;
    this.ports = {
      ...interceptPorts(services, this.callService),
      metrics: this.metrics(metrics),
      clock,
      random,
      logger: services.logger,
    };
  }

  /** Name, for traces. */
  public get name(): string {
    return this.options.name;
  }

  /** Whether it has died. */
  public get dead(): boolean {
    return this.death.signal.aborted;
  }

  /** Whether it stands still at the moment. */
  public get paused(): boolean {
    return this.standsStillUntil > this.options.clock.now();
  }

  /**
   * A table of waiting envelopes as the code in this environment sees it.
   *
   * @param queue its number among the retry queues
   */
  public dueStore(queue: number): DueStore {
    const store = this.dueStores.get(queue);
    if (!store) {
      throw new RangeError(`The retry queue ${queue} is no table that a timer asks what is due.`);
    }
    return interceptDueStore(store, `retryQueues[${queue}]`, this.callService);
  }

  /** Dies: nothing that is under way in it goes on. */
  public crash(): void {
    this.death.abort();
  }

  /** Stands still for that many milliseconds. */
  public pause(milliseconds: number): void {
    this.standsStillUntil = Math.max(this.standsStillUntil, this.options.clock.now() + milliseconds);
  }

  /**
   * Runs code in this environment.
   *
   * @param lifetime milliseconds that the invocation may take
   * @throws EnvironmentDiedError when the environment dies first
   */
  public run<T>(lifetime: number, code: (invocation: Invocation) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const died = () => reject(new EnvironmentDiedError(this.name));
      this.death.signal.addEventListener('abort', died, { once: true });
      code({ deadline: this.ports.clock.now() + lifetime })
        .then(resolve, reject)
        .finally(() => this.death.signal.removeEventListener('abort', died));
    });
  }

  /**
   * Makes a call out of this environment.
   *
   * @param name by which faults find it
   * @param effect what the call does
   * @param entries how many entries it has, if it is a batch
   */
  public async call<T>(name: CallName, effect: (plan: FaultPlan) => Promise<T>, entries?: number): Promise<T> {
    await this.alive();
    const plan = this.options.faults.plan(name, entries);
    await this.disturb('before', plan);
    await this.pass(plan.delay[0]);
    const result = await effect(plan);
    if (plan.repeat !== undefined) {
      this.options.clock.schedule(this.options.clock.now() + plan.repeat, () => void effect(plan).catch(() => undefined));
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

  /** Lets the world's time pass, for a request on its way: whether its sender lives makes no difference to it. */
  private async pass(milliseconds: number): Promise<void> {
    if (milliseconds > 0) {
      await this.options.clock.sleep(milliseconds);
    }
  }

  /** Holds up what happens in this environment: while it stands still, and for ever when it is dead. */
  private async alive(): Promise<void> {
    while (this.paused && !this.dead) {
      await this.options.clock.sleep(this.standsStillUntil - this.options.clock.now(), this.death.signal);
    }
    if (this.dead) {
      await new Promise(() => undefined);
    }
  }

  /** The clock as it goes in this environment. */
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
    return {
      count: (...counted) => metrics.count(...counted),
      measure: (...measured) => metrics.measure(...measured),
      flush: async () => {
        if (!this.dead) await metrics.flush();
      },
    };
  }
}
