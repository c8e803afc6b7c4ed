import { Model } from './model';
import type { Trace } from './trace';
import { judgeRest } from './verdict';
import { ACTIONS, addMark, CALM, conductOf, drawMachine, POISON, redefine, SECRET, type Mark } from './workload';
import { Engine, Executions, type DeadLetter, type Dispatch, type Ports } from '../../lambda/engine';
import { normalize, type Action, type JsonObject, type MachineInput, type Run } from '../../lambda/machine';
import {
  drawScenario, SeededRandom, TestBench, EndlessRunError, type Environment, type EventSourceKind, type FaultHit, type FaultRule,
  type InMemoryServices, type PolledSource, type Scenario, type SharedServices,
} from '../../lambda/testing';

const SECOND = 1_000;
const DAY = 86_400_000;

/** Rounds of mending after which an execution is taken to have no end: more than a machine has states and events. */
const ROUNDS = 20;

/** Invocations after which a run is taken to have no end. */
const MAX_INVOCATIONS = 3_000;

/** What a run came to. */
export interface Result {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly machine: MachineInput;
  readonly violations: readonly string[];
  readonly hits: readonly FaultHit[];
  readonly steps: number;
}

export interface SimulationOptions {
  readonly sources: readonly EventSourceKind[];
  /** What goes wrong, instead of what the seed says. */
  readonly faults?: readonly FaultRule[];
  readonly trace?: Trace;
}

/** One run: everything in it follows from the seed. */
export async function simulateSeed(seed: number, options: SimulationOptions): Promise<Result> {
  return new Simulation(seed, options).run();
}

class Simulation {
  private readonly random: SeededRandom;
  private readonly scenario: Scenario;
  private readonly machine: MachineInput;
  private readonly definitions: readonly MachineInput[];
  private readonly bench: TestBench;
  private readonly model: Model;
  private readonly log: string[] = [];
  /** Ids of the executions that a client was told are started. */
  private readonly started = new Set<string>();
  /** All bodies that were sent, for late duplicates of them. */
  private readonly bodies: string[] = [];
  private readonly mended = new Set<DeadLetter>();
  private readonly redefinedAt: number;
  private readonly began: number;
  private readonly trace?: Trace;
  private steps = 0;

  constructor(private readonly seed: number, options: SimulationOptions) {
    this.random = new SeededRandom(`simulation/${seed}`);
    this.trace = options.trace;
    this.scenario = drawScenario(this.random.fork('scenario'), { sources: options.sources, actions: ACTIONS, calm: CALM });
    this.machine = drawMachine(this.random.fork('machine'));
    const redefined = this.random.chance(0.15);
    this.redefinedAt = redefined ? this.random.between(1, 60) * SECOND : Infinity;
    this.definitions = redefined ? [this.machine, redefine(this.machine)] : [this.machine];
    this.model = new Model(() => this.bench.clock.now());
    const write = (message: string, fields?: JsonObject) => {
      this.log.push(fields ? `${message} ${JSON.stringify(fields)}` : message);
      this.trace?.note(message, fields);
    };
    const { faults, eagerCommit: _, ...setup } = this.scenario;
    this.bench = new TestBench(
      (environment) => this.handler(environment),
      { ...setup, seed: `bench/${seed}`, faults: options.faults ?? faults, logger: { debug: write, info: write, warn: write, error: write } },
      { connect: (services) => this.watch(services) },
    );
    this.began = this.bench.clock.now();
    this.trace?.begin(this.bench.clock);
  }

  public async run(): Promise<Result> {
    const { services } = this.bench;
    this.schedule();
    this.stall();
    try {
      await this.rest();
      await this.mendAll();
      await this.judge();
      await this.repeatLate();
    } catch (error) {
      if (!(error instanceof EndlessRunError)) throw error;
      this.model.wrong('I1', 'all', `there is no end: ${error.message}`);
    }
    for (const source of [...services.eventSources, ...services.retryQueues]) {
      if (source.size > 0) this.model.wrong('I5', 'all', `${source.size} messages are left in ${source.name} for ever`);
    }
    const leak = this.log.find((line) => line.includes(SECRET));
    if (leak) this.model.wrong('I7', 'all', `the log says "${leak}"`);
    const { seed, scenario, machine, steps } = this;
    return { seed, scenario, machine, steps, violations: this.model.violations, hits: this.bench.faults.hits };
  }

  // ---- the function -----------------------------------------------------------------------------------------------------------------

  private handler(environment: Environment) {
    const { clock } = this.bench;
    const current = clock.now() - this.began >= this.redefinedAt ? this.definitions.slice(-1) : this.definitions.slice(0, 1);
    const life = { deadline: 0 };
    const ports = this.watchInvocations(environment);
    const machines = current.map((machine) => normalize(machine));
    const engine = new Engine(ports, machines, (_machine, name) => this.action(environment, name, life), {
      eagerCommit: this.scenario.eagerCommit,
      ...(this.scenario.retention !== Infinity && { remembered: this.scenario.retention }),
    });
    return {
      process: async (...parameters: Parameters<Engine['process']>) => {
        life.deadline = clock.now() + this.scenario.timeout;
        this.trace?.invoke(environment.name, parameters[0]);
        const outcomes = await engine.process(...parameters);
        this.trace?.answer(environment.name, outcomes);
        return outcomes;
      },
    };
  }

  /** The ports of an environment, with an eye on what it begins to send. */
  private watchInvocations(environment: Environment): Ports {
    const ports = this.trace ? this.trace.watch(environment.name, environment.ports) : environment.ports;
    const watched = (transport: Ports['eventSources'][number]): Ports['eventSources'][number] => {
      const { name, maxBatchEntries, maxBatchBytes, maxBodyBytes, longestDelay } = transport;
      return {
        name,
        maxBatchEntries,
        maxBatchBytes,
        maxBodyBytes,
        longestDelay,
        send: (dispatches) => {
          dispatches.forEach(({ envelope }) => this.model.sends(envelope));
          return transport.send(transport.name === 'sqs' ? dispatches.map((dispatch) => this.delayed(environment, dispatch)) : dispatches);
        },
      };
    };
    return { ...ports, eventSources: ports.eventSources.map(watched), retryQueues: ports.retryQueues.map(watched) };
  }

  /** A queue is told for how long to hold a message back, so until when depends on the sender's clock. */
  private delayed(environment: Environment, { envelope, ...dispatch }: Dispatch): Dispatch {
    const ahead = environment.ports.clock.now() - this.bench.clock.now();
    return { ...dispatch, envelope: { ...envelope, notBefore: envelope.notBefore && envelope.notBefore - ahead } };
  }

  private action(environment: Environment, name: string, life: { readonly deadline: number }): Action {
    return (context, run) => {
      this.model.calls(name, run, life.deadline);
      return environment.call(`actions.${name}`, () => this.runAction(environment, name, context, run, life.deadline));
    };
  }

  private async runAction(
    environment: Environment,
    name: string,
    context: JsonObject,
    run: Run,
    deadline: number,
  ): Promise<string | undefined> {
    const ended = this.model.begins(name, run, deadline, () => !environment.dead);
    this.trace?.act(environment.name, name, run);
    this.steps += 1;
    try {
      return await this.act(environment, name, context, run);
    } finally {
      ended();
    }
  }

  private async act(environment: Environment, name: string, context: JsonObject, run: Run): Promise<string | undefined> {
    const { milliseconds, throws, returns } = conductOf(String(this.seed), this.machine, name, run, this.scenario.timeout);
    const { step, state, event } = run;
    const data = run.data as JsonObject | undefined;
    const mark: Mark = { step, action: name, state, event, ...(typeof data?.id === 'string' && { mail: data.id }), ...(returns && { returned: returns }) };
    addMark(context, mark);
    if (milliseconds > 0) await environment.ports.clock.sleep(milliseconds);
    if (throws) throw new Error(`refused with ${SECRET}`);
    return returns;
  }

  // ---- the services -----------------------------------------------------------------------------------------------------------------

  /** What takes effect on the services, seen by the model. */
  private watch(services: InMemoryServices): SharedServices {
    const { locks } = services;
    const keep = (transport: Ports['eventSources'][number]): Ports['eventSources'][number] => ({
      name: transport.name,
      maxBatchEntries: transport.maxBatchEntries,
      maxBatchBytes: transport.maxBatchBytes,
      maxBodyBytes: transport.maxBodyBytes,
      longestDelay: transport.longestDelay,
      send: (dispatches) => {
        this.bodies.push(...dispatches.map(({ body }) => body));
        return transport.send(dispatches);
      },
    });
    return {
      ...services,
      eventSources: services.eventSources.map(keep),
      locks: {
        acquire: async (request) => {
          const answer = await locks.acquire(request);
          if (answer.acquired) this.model.acquired(answer.lock);
          return answer;
        },
        commit: async (lease, status, now) => {
          const committed = await locks.commit(lease, status, now);
          if (committed) this.model.committed(lease, status);
          return committed;
        },
        release: (lease) => locks.release(lease),
        read: (executionId) => locks.read(executionId),
        reopen: (executionId, step, parent, now) => locks.reopen(executionId, step, parent, now),
        cancel: (executionId, now) => locks.cancel(executionId, now),
      },
    };
  }

  /** A source that delivers nothing for a while, though it takes what it is sent: behind it, attempts come late that were replaced. */
  private stall(): void {
    const random = this.random.fork('stall');
    for (const source of this.bench.services.eventSources) {
      if (!random.chance(0.2)) continue;
      const from = this.began + random.between(0, 20_000);
      const until = from + random.between(1, 2 * this.scenario.timeout);
      const stalled = () => this.bench.clock.now() >= from && this.bench.clock.now() < until;
      const take = source.take.bind(source);
      source.take = (most) => (stalled() ? [] : take(most));
      hideUntil(source, () => (stalled() ? until : undefined));
    }
  }

  // ---- what clients do --------------------------------------------------------------------------------------------------------------

  /** Plans the starts, events, duplicates and poison of the run. */
  private schedule(): void {
    const random = this.random.fork('workload');
    const executions = random.chance(0.05) ? 12 : random.between(1, 3);
    const waiting = Object.values(this.machine.states).filter((state) => !state.do);
    const events = [...new Set(waiting.flatMap((state) => Object.keys(state.on ?? {})))];
    for (let index = 0; index < executions; index += 1) {
      const executionId = `e${index}`;
      const startsAt = random.pick([0, random.between(0, 20_000)]);
      for (let twin = random.pick([1, 1, 2, 3]); twin > 0; twin -= 1) {
        this.at(startsAt + random.pick([0, random.between(0, 90_000)]), () => this.start(executionId, twin));
      }
      if (events.length === 0) continue;
      for (let mail = random.between(0, 4); mail > 0; mail -= 1) {
        const event = random.pick(events);
        const id = `mail-${mail}`;
        for (let twin = random.pick([1, 1, 2]); twin > 0; twin -= 1) {
          // Also while the execution is about to park.
          this.at(startsAt + random.pick([random.between(0, 60_000), random.between(0, 1_500)]), () => this.send(executionId, id, event));
        }
      }
    }
    if (random.chance(0.2)) POISON.forEach((body) => this.at(random.between(0, 30_000), () => this.put(body)));
    if (random.chance(0.3)) {
      for (let copies = random.between(1, 4); copies > 0; copies -= 1) {
        this.at(random.between(0, 300_000), () => { if (this.bodies.length > 0) this.put(random.pick(this.bodies)); });
      }
    }
  }

  private at(milliseconds: number, what: () => void): void {
    this.bench.clock.schedule(this.began + milliseconds, what);
  }

  /** A message that the source delivers though nobody has sent it now. */
  private put(body: string): void {
    this.trace?.note(`a copy of a message arrives: ${body.slice(0, 160)}`);
    this.bench.services.eventSources[0]?.put(body);
  }

  private start(executionId: string, twin: number): void {
    this.persist(async (client) => {
      await client.start({ machine: this.machine.name, executionId, context: { marks: [], twin, secret: SECRET } });
      this.started.add(executionId);
    });
  }

  private send(executionId: string, id: string, event: string): void {
    this.persist(async (client) => {
      this.model.offers(executionId, id, event);
      await client.send(executionId, event, { id, data: { id, secret: SECRET } });
      this.model.accepts(executionId, id, event);
    });
  }

  /** What a client does about errors: it tries again, a few times. */
  private persist(code: (client: Executions) => Promise<void>, tries: number = 3): void {
    this.bench.asClient((ports) => code(new Executions(ports, [this.machine.name]))).catch((error: Error) => {
      this.trace?.note(`client: ${error.message}`);
      if (tries > 1 && error.name !== 'ExecutionEndedError') {
        this.bench.clock.schedule(this.bench.clock.now() + 5 * SECOND, () => this.persist(code, tries - 1));
      }
    });
  }

  // ---- coming to an end -------------------------------------------------------------------------------------------------------------

  private rest(): Promise<void> {
    return this.bench.run({ maxInvocations: MAX_INVOCATIONS });
  }

  /** I1: whatever was accepted can be brought to its end, now that nothing goes wrong any more. */
  private async mendAll(): Promise<void> {
    const calm = this.began + CALM + SECOND - this.bench.clock.now();
    if (calm > 0) await this.bench.advance(calm, { maxInvocations: MAX_INVOCATIONS });
    for (let round = 0; round < ROUNDS; round += 1) {
      await this.judge();
      const unfinished = [...this.started].filter((executionId) => this.lock(executionId)?.status !== 'completed');
      if (unfinished.length === 0 || this.model.violations.length > 0) return;
      for (const executionId of unfinished) await this.mend(executionId, round);
      await this.rest();
    }
    this.model.wrong('I1', 'all', `executions never end: ${[...this.started].filter((id) => this.lock(id)?.status !== 'completed').join(', ')}`);
  }

  private async mend(executionId: string, round: number): Promise<void> {
    const lock = this.lock(executionId);
    const letters = this.bench.services.deadLetters.letters.filter((letter) => letter.body.includes(`"executionId":"${executionId}"`));
    switch (lock?.status) {
      case 'failed':
        if (letters.length === 0) this.model.wrong('I1', executionId, 'has failed without a dead letter');
        await this.bench.asClient((ports) => new Executions(ports, [this.machine.name]).redrive(executionId));
        return;
      case 'parked': {
        const event = await this.eventFor(executionId, round);
        if (event) this.send(executionId, `mend-${round}`, event);
        return;
      }
      default: {
        // Given up by the queue or the stream itself: a person puts such a letter back.
        const native = letters.filter((letter) => letter.executionId === undefined && !this.mended.has(letter));
        if (native.length === 0) this.model.wrong('I1', executionId, `is lost: ${lock ? `it stands still at step ${lock.step}` : 'it was accepted and never begun'}`);
        for (const letter of native) {
          this.mended.add(letter);
          this.put(letter.body);
        }
      }
    }
  }

  private async eventFor(executionId: string, round: number): Promise<string | undefined> {
    const lock = this.lock(executionId);
    const checkpoint = lock && await this.bench.services.journal.read(executionId, lock.step, lock.fence);
    const events = Object.keys(this.machine.states[checkpoint?.states.at(-1) ?? '']?.on ?? {});
    return events[round % events.length];
  }

  /** I2: every execution that rests tells a story that its machine allows. */
  private async judge(): Promise<void> {
    for (const lock of this.bench.services.locks.all) {
      if (lock.status === 'completed' || lock.status === 'parked') {
        judgeRest(this.model, this.definitions, lock, await this.bench.services.journal.read(lock.executionId, lock.step, lock.fence));
      }
    }
  }

  /** I6: whatever comes again when all have ended, days later or just when they are forgotten, runs nothing. */
  private async repeatLate(): Promise<void> {
    const random = this.random.fork('late');
    if (this.model.violations.length > 0 || !random.chance(0.3)) return;
    // A start that was sent after the end may begin anew once that is forgotten.
    const bodies = this.bodies.filter((body) => {
      const { executionId, sentAt } = JSON.parse(body) as { readonly executionId: string; readonly sentAt: number };
      return sentAt <= (this.lock(executionId)?.updatedAt ?? 0);
    });
    if (bodies.length === 0) return;
    this.model.close('though all had ended');
    const { clock } = this.bench;
    const now = clock.now();
    for (const body of Array.from({ length: random.between(1, 4) }, () => random.pick(bodies))) {
      const { sentAt } = JSON.parse(body) as { readonly sentAt: number };
      const moments = [now + random.between(0, 60_000), now + random.between(0, 40) * DAY, sentAt + DAY + random.between(-8, 8) * SECOND];
      clock.schedule(Math.max(now, random.pick(moments)), () => this.put(body));
    }
    await this.rest();
  }

  private lock(executionId: string) {
    return this.bench.services.locks.all.find((lock) => lock.executionId === executionId);
  }
}

/** Lets a source say that nothing can be taken before that time. */
function hideUntil(source: PolledSource, until: () => number | undefined): void {
  const prototype: unknown = Object.getPrototypeOf(source);
  const nextAt = Object.getOwnPropertyDescriptor(prototype, 'nextAt')?.get;
  Object.defineProperty(source, 'nextAt', {
    get: () => {
      const next = nextAt?.call(source) as number | undefined;
      return next === undefined ? undefined : Math.max(next, until() ?? next);
    },
  });
}
