import { Engine, Executions, type EngineOptions, type Lock, type Ports } from '../../lambda/engine';
import { normalize, type Action, type JsonObject, type MachineInput, type Run } from '../../lambda/machine';
import type { SimulatedWorkflowOptions } from '../../lambda/testing';
import { SimulatedWorkflow } from '../../lambda/testing/bench/simulated-workflow';
import type { InMemoryServices } from '../../lambda/testing/services/in-memory-services';

/** A run of an action, recorded independently of the engine. */
export interface Effect {
  readonly executionId: string;
  readonly step: number;
  readonly attempt: number;
  readonly fence: number;
  readonly key: string;
  readonly action: string;
  readonly at: number;
  until: number;
}

/** A lease that the lock store granted. */
export interface Grant {
  readonly executionId: string;
  readonly step: number;
  readonly parent: number;
  readonly fence: number;
  expires: number;
}

export type ActionBody = (context: JsonObject, run: Run, world: World) => Promise<string | void> | string | void;

/** A workflow in memory that records its actions, its leases and its log. */
export class World {
  public readonly effects: Effect[] = [];
  public readonly grants: Grant[] = [];
  /** Every line of the log, as text. */
  public readonly log: string[] = [];
  public readonly bench: SimulatedWorkflow;
  public readonly names: readonly string[];

  constructor(
    machines: readonly MachineInput[],
    actions: Readonly<Record<string, ActionBody>>,
    options: SimulatedWorkflowOptions = {},
    engine: EngineOptions = {},
    private readonly tasks?: Ports['tasks'],
  ) {
    const normalized = machines.map((machine) => normalize(machine));
    this.names = normalized.map(({ name }) => name);
    const write = (message: string, fields?: JsonObject) => {
      this.log.push(`${message} ${JSON.stringify(fields)}`);
    };
    this.bench = new SimulatedWorkflow(
      (environment, bench) => {
        const lookup = bench.instrument(environment, (_machine, name) => this.watched(name, actions[name]));
        // Tasks run outside of the bench and take real time.
        const watched = tasks && {
          stop: (...of: Parameters<typeof tasks.stop>) => bench.activity.work(() => tasks.stop(...of)),
        };
        return new Engine({ ...environment.ports, tasks: watched }, normalized, lookup, engine);
      },
      { patience: 20, logger: { debug: write, info: write, warn: write, error: write }, ...options },
    );
    this.watchLocks(this.bench.services);
  }

  public get services(): InMemoryServices {
    return this.bench.services;
  }

  public get clock() {
    return this.bench.clock;
  }

  /** Records the bodies that the event sources and retry queues accept from now on. */
  public recordBodies(): readonly string[] {
    const bodies: string[] = [];
    for (const transport of [...this.services.eventSources, ...this.services.retryQueues]) {
      const { send } = transport;
      transport.send = (dispatches) => {
        bodies.push(...dispatches.map(({ body }) => body));
        return send.call(transport, dispatches);
      };
    }
    return bodies;
  }

  public client<T>(code: (executions: Executions) => Promise<T>): Promise<T> {
    return this.bench.asClient((ports) => code(new Executions(ports, this.names, this.tasks !== undefined)));
  }

  public start(machine: string, executionId: string, context: JsonObject = {}) {
    return this.client((executions) => executions.start({ machine, executionId, context }));
  }

  public describe(executionId: string) {
    return this.client((executions) => executions.describe(executionId));
  }

  public lock(executionId: string): Lock | undefined {
    return this.services.locks.all.find((lock) => lock.executionId === executionId);
  }

  /** Returns the value of a counter. */
  public count(name: Parameters<Ports['metrics']['count']>[0]): number {
    return this.bench.totals.of(name);
  }

  private watched(name: string, body: ActionBody | undefined): Action | undefined {
    if (!body) return undefined;
    return async (context, run) => {
      const { executionId, step, attempt, fence } = run;
      const at = this.clock.now();
      const effect: Effect = {
        executionId,
        step,
        attempt,
        fence,
        key: run.idempotencyKey,
        action: name,
        at,
        until: Infinity,
      };
      this.effects.push(effect);
      try {
        return await body(context, run, this);
      } finally {
        effect.until = this.clock.now();
      }
    };
  }

  private watchLocks({ locks }: InMemoryServices): void {
    const acquire = locks.acquire.bind(locks);
    const release = locks.release.bind(locks);
    locks.acquire = async (request) => {
      const answer = await acquire(request);
      const known = this.grants.some(
        ({ executionId, fence }) => executionId === request.executionId && fence === answer.lock?.fence,
      );
      if (answer.acquired && !known) {
        const { executionId, step, parent, fence, expires } = answer.lock;
        this.grants.push({ executionId, step, parent, fence, expires });
      }
      return answer;
    };
    locks.release = async (lease) => {
      await release(lease);
      const grant = this.grants.find(
        ({ executionId, fence }) => executionId === lease.executionId && fence === lease.fence,
      );
      if (grant) grant.expires = Math.min(grant.expires, this.clock.now());
    };
  }
}
