import { Clients } from './clients';
import { Model } from './model';
import { SimulatedServices } from './services';
import { drawSetting, SIDE_BY_SIDE, type Choice, type Setting } from './setting';
import type { Trace } from './trace';
import { judgeRest } from './verdict';
import { WorkflowFunction } from './workflow-function';
import { CALM, SECRET } from './workload';
import type { Checkpoint, DeadLetter, ExecutionStatus, Lock, LockStore, Ports } from '../../lambda/engine';
import type { JsonObject, Logger } from '../../lambda/machine';
import {
  EndlessRunError, SeededRandom, TestBench, type FaultHit, type FaultRule, type PolledSource, type SharedServices,
} from '../../lambda/testing';

const SECOND = 1_000;
const DAY = 86_400_000;

/** Rounds of mending after which an execution is taken to have no end: more than a machine has states and events. */
const ROUNDS = 20;

/** The same, where executions wait for each other's end, and the milliseconds that such a round takes. */
const TURNS = 300;
const TURN = 60 * SECOND;

/**
 * Invocations after which a run is taken to have no end. A few hundred are many; but where most requests to a retry queue take effect and
 * seem to fail, each leaves a copy behind, and so does each copy until all attempts are used up: some thousands.
 */
const MAX_INVOCATIONS = 20_000;

const HAS_ENDED: ReadonlySet<ExecutionStatus | undefined> = new Set(['completed', 'cancelled']);

/** What a run came to. */
export interface Result {
  readonly setting: Setting;
  readonly violations: readonly string[];
  readonly hits: readonly FaultHit[];
  readonly steps: number;
}

export interface SimulationOptions extends Choice {
  /** What goes wrong, instead of what the seed says. */
  readonly faults?: readonly FaultRule[];
  readonly trace?: Trace;
}

/** One run: everything in it follows from the seed. */
export async function simulateSeed(seed: number, options: SimulationOptions): Promise<Result> {
  return new Simulation(drawSetting(seed, options), options).run();
}

class Simulation {
  private readonly random: SeededRandom;
  private readonly bench: TestBench;
  private readonly function: WorkflowFunction;
  private readonly clients: Clients;
  private readonly model: Model;
  private readonly log: string[] = [];
  /** All bodies that were sent, for late duplicates of them. */
  private readonly bodies: string[] = [];
  private readonly mended = new Set<DeadLetter>();
  /** Ids of the executions that have ended so long ago that they are forgotten. */
  private readonly forgotten = new Set<string>();
  private readonly began: number;

  constructor(private readonly setting: Setting, { faults, trace }: SimulationOptions) {
    const { seed, ports, timeout } = setting;
    this.random = new SeededRandom(`simulation/${seed}/run`);
    this.model = new Model(() => this.bench.clock.now(), setting.limit);
    const write = (message: string, fields?: JsonObject) => {
      this.log.push(fields ? `${message} ${JSON.stringify(fields)}` : message);
      trace?.note(message, fields);
    };
    const logger: Logger = { debug: write, info: write, warn: write, error: write };
    const { batchSize, concurrency, clockSkew, disorder, eventSources, retention, retryQueues } = setting;
    const adapted: { services?: SimulatedServices } = {};
    this.bench = new TestBench(
      (environment) => this.function.handler(environment),
      {
        batchSize,
        concurrency,
        clockSkew,
        disorder,
        eventSources,
        retention,
        retryQueues,
        timeout,
        logger,
        seed: `bench/${seed}`,
        faults: faults ?? setting.faults,
      },
      ports === 'memory' ? { connect: (services) => this.watch({ ...services, locks: this.watchLocks(services.locks) }) } : {
        create: (clock, random, visibilityTimeout) => {
          adapted.services = new SimulatedServices({
            ...setting,
            lockStore: ports,
            retentionDays: retention / DAY,
            logger,
            onLock: (before, after) => this.lockChanged(before, after, adapted.services),
          }, clock, random, visibilityTimeout);
          return adapted.services.inMemory;
        },
        connect: (services, parts) => this.watch(adapted.services?.connect(parts) ?? services),
        busy: () => adapted.services?.busy ?? false,
      },
    );
    this.began = this.bench.clock.now();
    this.function = new WorkflowFunction(setting, this.model, this.bench.clock, (token) => this.clients.receive(token), trace);
    this.clients = new Clients(setting, this.bench, this.model, this.bodies, trace);
    trace?.begin(this.bench.clock);
  }

  public async run(): Promise<Result> {
    const { services } = this.bench;
    this.clients.schedule(this.random.fork('workload'));
    this.stall();
    try {
      if (this.setting.limit === undefined) await this.rest();
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
    return { setting: this.setting, steps: this.function.steps, violations: this.model.violations, hits: this.bench.faults.hits };
  }

  // ---- the services -----------------------------------------------------------------------------------------------------------------

  /** The services, with an eye on what is sent to them. */
  private watch(services: SharedServices): SharedServices {
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
      ...transport.readBack && { readBack: async (executionId, place) => transport.readBack?.(executionId, place) },
    });
    return { ...services, eventSources: services.eventSources.map(keep) };
  }

  /** What takes effect on the locks in memory, seen by the model. */
  private watchLocks(locks: LockStore): LockStore {
    const watched: Pick<LockStore, 'acquire' | 'commit' | 'cancel'> = {
      acquire: async (request) => {
        const answer = await locks.acquire(request);
        if (answer.acquired) this.model.acquired(answer.lock);
        return answer;
      },
      commit: async (lease, status, now) => {
        const committing = locks.commit(lease, status, now);
        // The store has done it by now. One that comes again when its successor has begun changes nothing, though the answer is yes.
        const isHeld = this.lock(lease.executionId)?.fence === lease.fence;
        const committed = await committing;
        if (committed && isHeld) this.model.committed(lease, status);
        return committed;
      },
      cancel: async (executionId, now) => {
        const lock = await locks.cancel(executionId, now);
        if (lock?.status === 'cancelled') this.model.cancelled(lock);
        return lock;
      },
    };
    // All else is as the store behind it does it.
    return Object.assign(Object.create(locks) as LockStore, watched);
  }

  /** What takes effect on the stored locks, whoever has asked for it and whether he is told or not. */
  private lockChanged(before: Lock | undefined, after: Lock | undefined, services: SimulatedServices | undefined): void {
    if (!after) return;
    if (after.status === 'cancelled') {
      this.model.cancelled(after);
    } else if (after.fence !== before?.fence) {
      this.model.acquired(after);
    } else if (after.done && !before.done) {
      this.model.committed(after, after.status);
      // Whoever sees the status must find the context.
      if (after.status !== 'running' && !services?.hasCheckpoint(after)) {
        this.model.wrong('I2', after.executionId, `step ${after.step} was committed as ${after.status} by fence ${after.fence}, which has not written its checkpoint`);
      }
    }
  }

  /** A source that delivers nothing for a while, though it takes what it is sent: behind it, attempts come late that were replaced. */
  private stall(): void {
    const random = this.random.fork('stall');
    for (const source of this.bench.services.eventSources) {
      if (!random.chance(0.2)) continue;
      const from = this.began + random.between(0, 20_000);
      const until = from + random.between(1, 2 * this.setting.timeout);
      const stalled = () => this.bench.clock.now() >= from && this.bench.clock.now() < until;
      const take = source.take.bind(source);
      source.take = (most) => (stalled() ? [] : take(most));
      hideUntil(source, () => (stalled() ? until : undefined));
    }
  }

  // ---- coming to an end -------------------------------------------------------------------------------------------------------------

  private rest(): Promise<void> {
    return this.bench.run({ maxInvocations: MAX_INVOCATIONS });
  }

  /** I1: whatever was accepted can be brought to its end, now that nothing goes wrong any more. */
  private async mendAll(): Promise<void> {
    const calm = this.began + CALM + SECOND - this.bench.clock.now();
    if (calm > 0) await this.bench.advance(calm, { maxInvocations: MAX_INVOCATIONS });
    if (this.setting.limit !== undefined) await this.takeTurns(this.setting.limit);
    else await this.neglect();
    for (let round = 0; round < ROUNDS; round += 1) {
      await this.judge();
      const unfinished = this.unfinished();
      if (unfinished.length === 0 || this.model.violations.length > 0) return;
      for (const executionId of unfinished) await this.mend(executionId, round);
      await this.rest();
    }
    this.model.wrong('I1', 'all', `executions never end: ${this.unfinished().join(', ')}`);
  }

  /**
   * What waits for room comes again and again, so nothing rests before all have had their turn. Others begin when these have ended: if
   * anybody were still counted, they would wait for ever.
   */
  private async takeTurns(limit: number): Promise<void> {
    for (let turn = 0, late = false; turn < TURNS; turn += 1) {
      const unfinished = this.unfinished();
      if (this.model.violations.length > 0 || (unfinished.length === 0 && late)) return this.rest();
      if (unfinished.length === 0) {
        for (let index = 0; index <= limit; index += 1) this.clients.start(`late${index}`, 1);
        late = true;
      }
      for (const executionId of unfinished) await this.mend(executionId, turn);
      await this.bench.advance(TURN, { maxInvocations: MAX_INVOCATIONS });
    }
    this.model.wrong('limit', 'all', `executions never get their turn, or never end: ${this.unfinished().join(', ')}`);
  }

  /** I1: nobody looks after the executions for longer than anything is kept that does not wait for somebody. */
  private async neglect(): Promise<void> {
    const { retention, lag } = this.setting;
    // What was never begun is a message that waits in a dead-letter queue. When that is too old, nobody knows any more whether it has run.
    const waits = this.unfinished().every((executionId) => this.lock(executionId)?.status !== undefined);
    if (retention === Infinity || !waits || !this.random.fork('neglect').chance(0.3)) return;
    for (const { executionId, status } of this.bench.services.locks.all) if (HAS_ENDED.has(status)) this.forgotten.add(executionId);
    await this.bench.advance(retention + lag + DAY, { maxInvocations: MAX_INVOCATIONS });
  }

  /** Also those that have begun though no client was told so, where they take the room of others. */
  private unfinished(): readonly string[] {
    const all = this.setting.limit === undefined ? [] : this.bench.services.locks.all.map(({ executionId }) => executionId);
    const isOver = (executionId: string) => this.forgotten.has(executionId) || HAS_ENDED.has(this.lock(executionId)?.status);
    return [...new Set([...this.clients.started, ...all])].filter((executionId) => !isOver(executionId));
  }

  private async mend(executionId: string, round: number): Promise<void> {
    const random = this.random.fork(`mend/${executionId}/${round}`);
    if (random.chance(0.05) && round < ROUNDS) {
      this.clients.cancel(executionId);
      return;
    }
    const lock = this.lock(executionId);
    const letters = this.bench.services.deadLetters.letters.filter((letter) => letter.body.includes(`"executionId":"${executionId}"`));
    switch (lock?.status) {
      case 'failed':
        if (letters.length === 0) this.model.wrong('I1', executionId, 'has failed without a dead letter');
        await this.redrive(executionId, random);
        return;
      case 'parked': {
        const event = await this.eventFor(executionId, round);
        if (event) this.clients.send(executionId, `mend-${round}`, event);
        return;
      }
      default: {
        const isTakenUp = this.clients.redriving.delete(executionId)
          && await this.clients.once((client) => client.redrive(executionId).then(() => true, () => false));
        if (isTakenUp) return;
        // Given up by the queue or the stream itself: a person puts such a letter back.
        const native = letters.filter((letter) => letter.executionId === undefined && !this.mended.has(letter));
        const standing = lock ? `it stands still at step ${lock.step}` : 'it was accepted and never begun';
        // One that waits for its turn is lost when that does not come.
        if (native.length === 0 && this.setting.limit !== undefined) return;
        if (native.length === 0) this.model.wrong('I1', executionId, `is lost: ${standing}`);
        // What can be read back need not be a dead letter to go on.
        if (random.chance(0.5) && await this.clients.once((client) => client.resume(executionId)).catch(() => undefined) === 'resumed') return;
        for (const letter of native) {
          this.mended.add(letter);
          this.clients.put(letter.body);
        }
      }
    }
  }

  private async redrive(executionId: string, random: SeededRandom): Promise<void> {
    const moveToCurrent = random.fork('move').chance(this.setting.upgradePolicy === 'stop' ? 0.8 : 0.2);
    if (moveToCurrent) this.clients.moved.add(executionId);
    await this.clients.once((client) => client.redrive(executionId, { moveToCurrent }))
      .catch((thrown: Error) => this.model.wrong('I1', executionId, `cannot be redriven: ${thrown.message}`));
  }

  private async eventFor(executionId: string, round: number): Promise<string | undefined> {
    const checkpoint = await this.checkpointOf(executionId);
    const events = Object.keys(this.setting.machine.states[checkpoint?.states.at(-1) ?? '']?.on ?? {});
    return events[round % events.length];
  }

  /** What its latest attempt came to. */
  private async checkpointOf(executionId: string): Promise<Checkpoint | undefined> {
    const lock = this.lock(executionId);
    return lock && this.bench.services.journal.read(executionId, lock.step, lock.fence);
  }

  /** I2: every execution that rests tells a story that its machine allows. */
  private async judge(): Promise<void> {
    const { locks, deadLetters } = this.bench.services;
    const stopped = deadLetters.letters.find(({ reason }) => reason.includes('DefinitionChangedError'));
    if (stopped && this.setting.upgradePolicy !== 'stop') {
      this.model.wrong('I1', stopped.executionId ?? 'all', 'was failed by a new definition, though its machine says that it goes on');
    }
    for (const lock of locks.all) {
      if (lock.status === 'completed' || lock.status === 'parked') {
        const checkpoint = await this.checkpointOf(lock.executionId);
        const { definitions, upgradePolicy, redefinedAt, timeout } = this.setting;
        const lastOfOld = this.began + redefinedAt + SIDE_BY_SIDE + timeout;
        judgeRest(this.model, { definitions, upgradePolicy, moved: this.clients.moved.has(lock.executionId), lastOfOld }, lock, checkpoint);
        this.judgeTimeout(lock, checkpoint);
      }
      if (this.clients.cancelled.has(lock.executionId) && lock.status !== 'cancelled') {
        this.model.wrong('I2', lock.executionId, `is ${lock.status}, though a client was told that it is cancelled`);
      }
    }
  }

  /** I1: no wait goes on when its time is over, unless what was to end it is a dead letter. */
  private judgeTimeout({ executionId, status, step }: Lock, checkpoint: Checkpoint | undefined): void {
    const timeout = this.setting.machine.states[checkpoint?.states.at(-1) ?? '']?.timeout;
    if (status !== 'parked' || !timeout) return;
    const isDead = this.bench.services.deadLetters.letters.some(({ body }) => (
      body.includes(`"executionId":"${executionId}"`) && body.includes('"timeout":true') && body.includes(`"step":${step + 1},`)
    ));
    if (!isDead) this.model.wrong('I1', executionId, `waits at step ${step}, though its time of ${timeout.seconds} s is over`);
  }

  /** I6: whatever comes again when all have ended, days later or just when they are forgotten, runs nothing. */
  private async repeatLate(): Promise<void> {
    const random = this.random.fork('late');
    if (this.model.violations.length > 0 || !random.chance(0.3)) return;
    // A start that was sent after the end may begin anew once that is forgotten.
    const bodies = this.bodies.filter((body) => {
      const { executionId, sentAt } = JSON.parse(body) as { readonly executionId: string; readonly sentAt: number };
      const lock = this.lock(executionId);
      // One that has begun though no client was told so may still wait, and whatever comes for it may wake it.
      return HAS_ENDED.has(lock?.status) && sentAt <= (lock?.updatedAt ?? 0);
    });
    if (bodies.length === 0) return;
    this.model.close('though all had ended');
    const { clock } = this.bench;
    const now = clock.now();
    for (const body of Array.from({ length: random.between(1, 4) }, () => random.pick(bodies))) {
      const { sentAt } = JSON.parse(body) as { readonly sentAt: number };
      const moments = [now + random.between(0, 60_000), now + random.between(0, 40) * DAY, sentAt + DAY + random.between(-8, 8) * SECOND];
      clock.schedule(Math.max(now, random.pick(moments)), () => this.clients.put(body));
    }
    await this.rest();
  }

  private lock(executionId: string): Lock | undefined {
    return this.clients.lock(executionId);
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
