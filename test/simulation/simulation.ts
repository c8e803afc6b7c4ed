import { checkAtRest } from './check-at-rest';
import { Clients, FORGED_MACHINE } from './clients';
import { Model } from './model';
import { Neighbor } from './neighbor';
import { SimulatedServices } from './services';
import { drawSetting, SIDE_BY_SIDE, type Choice, type Setting } from './setting';
import type { Trace } from './trace';
import { WorkflowFunction } from './workflow-function';
import { ACCEPTED, CALM, marksOf, SECRET } from './workload';
import {
  decodeEnvelope,
  type Checkpoint,
  type DeadLetter,
  type ExecutionStatus,
  type Lock,
  type LockStore,
  type Ports,
} from '../../lambda/engine';
import type { JsonObject, Logger } from '../../lambda/machine';
import { EndlessRunError, SeededRandom, type FaultHit, type FaultRule } from '../../lambda/testing';
import { EnvironmentDiedError } from '../../lambda/testing/bench/execution-environment';
import { SimulatedWorkflow, type RunOptions } from '../../lambda/testing/bench/simulated-workflow';
import type { SharedServices } from '../../lambda/testing/faults/intercepted-ports';
import type { PolledSource } from '../../lambda/testing/services/polled-source';
import { wrapPort } from '../../lambda/testing/services/wrap-port';

const SECOND = 1_000;
const DAY = 86_400_000;

/** Recovery rounds after which an execution counts as endless: more than a machine has states and events. */
const MAX_ROUNDS = 20;

/** The same under a concurrency limit, because executions wait for others to end, and the milliseconds of such a round. */
const MAX_LIMITED_ROUNDS = 300;
const LIMITED_ROUND_MS = 60 * SECOND;

/** More than all attempts of a step take once nothing else disturbs them, see {@link ACCEPTED}. */
const LONGEST_STEP_MS = 35 * 60 * SECOND;

/**
 * Invocations after which a run counts as endless. A normal run has at most a few hundred. But if most requests to a retry queue take
 * effect and report a failure, each leaves a copy behind, and so does each copy until its retries are exhausted: a few thousand in total.
 */
const MAX_INVOCATIONS = 20_000;

const HAS_ENDED: ReadonlySet<ExecutionStatus | undefined> = new Set(['completed', 'cancelled']);

/** The result of a run. */
export interface Result {
  readonly setting: Setting;
  readonly violations: readonly string[];
  readonly hits: readonly FaultHit[];
  readonly steps: number;
}

export interface SimulationOptions extends Choice {
  /** The faults of the run, instead of those that the seed draws. */
  readonly faults?: readonly FaultRule[];
  readonly trace?: Trace;
}

/** Runs one seed, which determines everything in the run. */
export async function simulateSeed(seed: number, options: SimulationOptions): Promise<Result> {
  return new Simulation(drawSetting(seed, options), options).run();
}

class Simulation {
  private readonly random: SeededRandom;
  private readonly bench: SimulatedWorkflow;
  private readonly function: WorkflowFunction;
  private readonly clients: Clients;
  private readonly model: Model;
  private readonly neighbor?: Neighbor;
  private readonly log: string[] = [];
  /** All messages that were sent, for late duplicates. */
  private readonly bodies: string[] = [];
  private readonly returned = new Set<DeadLetter>();
  /** Fences of the failures whose dead letters an operator has moved back to the source, by execution. */
  private readonly movedBack = new Map<string, number>();
  /** Ids of the executions that ended longer ago than their retention. */
  private readonly forgotten = new Set<string>();
  private readonly began: number;

  constructor(
    private readonly setting: Setting,
    { faults, trace }: SimulationOptions,
  ) {
    const { seed, ports, timeout } = setting;
    this.random = new SeededRandom(`simulation/${seed}/run`);
    this.model = new Model(() => this.bench.clock.now(), setting.limit);
    const write = (message: string, fields?: JsonObject) => {
      this.log.push(fields ? `${message} ${JSON.stringify(fields)}` : message);
      trace?.note(message, fields);
    };
    const logger: Logger = { debug: write, info: write, warn: write, error: write };
    const { batchSize, concurrency, clockSkew, clientClockSkew, disorder } = setting;
    const { eventSources, maxReceives, retention, retryQueues } = setting;
    const adapted: { services?: SimulatedServices } = {};
    this.bench = new SimulatedWorkflow(
      (environment) => this.function.handler(environment),
      {
        batchSize,
        concurrency,
        clockSkew,
        clientClockSkew,
        disorder,
        eventSources,
        maxReceives,
        retention,
        retryQueues,
        timeout,
        logger,
        seed: `bench/${seed}`,
        faults: faults ?? setting.faults,
      },
      ports === 'memory'
        ? { connect: (services) => this.watch({ ...services, locks: this.watchLocks(services.locks) }) }
        : {
            create: (clock, random, visibilityTimeout) => {
              adapted.services = new SimulatedServices(
                {
                  ...setting,
                  lockStore: ports,
                  retentionDays: retention / DAY,
                  logger,
                  onLock: (before, after) => this.lockChanged(before, after, adapted.services),
                },
                clock,
                random,
                visibilityTimeout,
              );
              return adapted.services.inMemory;
            },
            connect: (services, parts) => this.watch(adapted.services?.connect(parts) ?? services),
            busy: () => adapted.services?.busy ?? false,
          },
    );
    this.began = this.bench.clock.now();
    this.function = new WorkflowFunction(
      setting,
      this.model,
      this.bench.clock,
      (token) => this.clients.receive(token),
      ({ ports: { clock } }) => adapted.services!.runtimeOf(clock),
      trace,
    );
    this.clients = new Clients(setting, this.bench, this.model, this.bodies, trace);
    if (adapted.services && setting.neighbor) {
      const wrong = (executionId: string, what: string) =>
        this.model.wrong('I8', executionId, `of another workflow ${what}`);
      this.neighbor = new Neighbor(adapted.services.connectNeighbor(), this.bench.clock, wrong);
    }
    trace?.begin(this.bench.clock);
  }

  public async run(): Promise<Result> {
    const { services } = this.bench;
    this.clients.schedule(this.random.fork('workload'));
    this.neighbor?.schedule(this.random.fork('neighbor'), ['e0', 'e1', 'simulated/e0']);
    this.stall();
    if (this.setting.refuses) this.bench.clock.schedule(this.began + ACCEPTED - SECOND, () => this.checkRefused());
    try {
      if (this.setting.limit === undefined) await this.rest();
      await this.recoverAll();
      await this.checkExecutions();
      await this.reuse();
      await this.repeatLate();
      await this.neighbor?.check();
    } catch (error) {
      if (!(error instanceof EndlessRunError)) throw error;
      this.model.wrong('I1', 'all', `the run is endless: ${error.message}`);
    }
    for (const source of [...services.eventSources, ...services.retryQueues]) {
      if (source.size > 0 && !this.isBroken) {
        this.model.wrong('I5', 'all', `${source.size} messages remain in ${source.name} forever`);
      }
    }
    const leak = this.log.find((line) => line.includes(SECRET));
    if (leak) this.model.wrong('I7', 'all', `the log contains "${leak}"`);
    return {
      setting: this.setting,
      steps: this.function.steps,
      violations: this.model.violations,
      hits: this.bench.faults.hits,
    };
  }

  // ---- the services -----------------------------------------------------------------------------------------------------------------

  /** Wraps the services so that sent messages are recorded. */
  private watch(services: SharedServices): SharedServices {
    const keep = (transport: Ports['eventSources'][number]) =>
      wrapPort(transport, {
        send: (dispatches) => {
          this.bodies.push(...dispatches.map(({ body }) => body));
          return transport.send(dispatches);
        },
      });
    return { ...services, eventSources: services.eventSources.map(keep) };
  }

  /** Wraps the locks in memory so that the model sees each change that takes effect. */
  private watchLocks(locks: LockStore): LockStore {
    const watched: Pick<LockStore, 'acquire' | 'commit' | 'cancel'> = {
      acquire: async (request) => {
        const answer = await locks.acquire(request);
        if (answer.acquired) this.model.acquired(answer.lock);
        return answer;
      },
      commit: async (lease, status, now, options) => {
        const committing = locks.commit(lease, status, now, options);
        // The store has committed by now. A repeated commit after the successor began changes nothing, although it returns true.
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
    return wrapPort(locks, watched);
  }

  /** Reports to the model each change of the stored locks, even if the answer to the request is lost. */
  private lockChanged(
    before: Lock | undefined,
    after: Lock | undefined,
    services: SimulatedServices | undefined,
  ): void {
    if (!after || after.status === 'pending') return;
    if (after.status === 'cancelled') {
      this.model.cancelled(after);
    } else if (after.fence !== before?.fence) {
      this.model.acquired(after);
    } else if (after.done && !before.done) {
      this.model.committed(after, after.status);
      // Every reader of the status must find the context.
      if (after.status !== 'running' && !services?.hasCheckpoint(after)) {
        this.model.wrong(
          'I2',
          after.executionId,
          `step ${after.step} was committed as ${after.status} by fence ${after.fence} before its checkpoint was written`,
        );
      }
    }
  }

  /** Stalls sources: they accept messages and deliver nothing for a while, so that envelopes of replaced attempts arrive late. */
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

  // ---- recovery and checks ----------------------------------------------------------------------------------------------------

  /** A run ends with its first violation: what follows from it is of no interest, and may be endless. */
  private get isBroken(): boolean {
    return this.model.violations.length > 0;
  }

  private get limits(): RunOptions {
    return { maxInvocations: MAX_INVOCATIONS, until: () => this.isBroken };
  }

  /**
   * I11: long after all other faults, content that is refused for good has failed its execution, or is in a dead letter. Only time tells:
   * copies of an envelope have attempts of their own, so no number of attempts is too many.
   */
  private checkRefused(): void {
    const { locks, deadLetters } = this.bench.services;
    for (const lock of locks.all) {
      const { executionId, status, step, updatedAt } = lock;
      if (status !== 'running' && status !== 'pending') continue;
      if (!this.clients.started.has(executionId) && status === 'pending') continue;
      if (deadLetters.letters.some((letter) => isOf(letter, executionId, lock))) continue;
      const began = this.model.firstGrantedAt(executionId, step) ?? updatedAt;
      if (this.bench.clock.now() - began < LONGEST_STEP_MS) continue;
      this.model.wrong(
        'I11',
        executionId,
        `is still ${status} at step ${step}, although its content is refused for good`,
      );
    }
  }

  private rest(): Promise<void> {
    return this.bench.run(this.limits);
  }

  /** I1: without faults, every accepted execution can be brought to its end. */
  private async recoverAll(): Promise<void> {
    const calm = this.began + (this.setting.refuses ? ACCEPTED : CALM) + SECOND - this.bench.clock.now();
    if (calm > 0) await this.bench.advance(calm, this.limits);
    if (this.setting.limit !== undefined) await this.takeTurns(this.setting.limit);
    else await this.neglect();
    await this.settle();
  }

  /** Recovers executions until all of them have ended. */
  private async settle(): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      await this.checkExecutions();
      const unfinished = this.unfinished();
      if (unfinished.length === 0 || this.isBroken) return;
      for (const executionId of unfinished) await this.recover(executionId, round);
      await this.rest();
    }
    this.model.wrong('I1', 'all', `executions never end: ${this.unfinished().join(', ')}`);
  }

  /**
   * Recovers executions under a concurrency limit. Waiting executions are redelivered again and again, so nothing is at rest before all of
   * them ran. Further executions start when these have ended: a stale entry in the count would make them wait forever.
   */
  private async takeTurns(limit: number): Promise<void> {
    for (let turn = 0, late = false; turn < MAX_LIMITED_ROUNDS; turn += 1) {
      const unfinished = this.unfinished();
      if (this.isBroken || (unfinished.length === 0 && late)) return this.rest();
      if (unfinished.length === 0) {
        for (let index = 0; index <= limit; index += 1) this.clients.start(`late${index}`, 1);
        late = true;
      }
      for (const executionId of unfinished) await this.recover(executionId, turn);
      await this.bench.advance(LIMITED_ROUND_MS, this.limits);
    }
    this.model.wrong('limit', 'all', `executions never get room, or never end: ${this.unfinished().join(', ')}`);
  }

  /** I1: leaves the executions alone for longer than the retention of everything that does not wait for a client. */
  private async neglect(): Promise<void> {
    const { retention, lag } = this.setting;
    if (retention === Infinity || !this.random.fork('neglect').chance(0.3)) return;
    for (const { executionId, status } of this.bench.services.locks.all) {
      if (HAS_ENDED.has(status)) this.forgotten.add(executionId);
    }
    await this.bench.advance(retention + lag + DAY, this.limits);
  }

  /** Includes executions that began although their start was not confirmed to a client, if they take room under a limit. */
  private unfinished(): readonly string[] {
    const begun = this.bench.services.locks.all.filter(({ status }) => status !== 'pending');
    const all = this.setting.limit === undefined ? [] : begun.map(({ executionId }) => executionId);
    const isOver = (executionId: string) =>
      this.forgotten.has(executionId) || HAS_ENDED.has(this.lock(executionId)?.status);
    return [...new Set([...this.clients.started, ...all])].filter((executionId) => !isOver(executionId));
  }

  private async recover(executionId: string, round: number): Promise<void> {
    const random = this.random.fork(`mend/${executionId}/${round}`);
    if (random.chance(0.05) && round < MAX_ROUNDS) {
      this.clients.cancel(executionId);
      return;
    }
    const lock = this.lock(executionId);
    const letters = this.bench.services.deadLetters.letters.filter((letter) => isOf(letter, executionId, lock));
    switch (lock?.status) {
      case 'failed':
        if (letters.length === 0) this.model.wrong('I11', executionId, 'has failed without a dead letter');
        if (this.movedBack.get(executionId) === lock.fence) {
          this.model.wrong('I11', executionId, 'is still failed, although its dead letters were moved back');
        }
        if (this.mayMoveBack && random.fork('by hand').chance(0.3)) {
          this.movedBack.set(executionId, lock.fence);
          this.giveBack(letters);
        } else {
          await this.redrive(executionId, random);
        }
        return;
      case 'parked': {
        const unreturned = this.nativeLetters(executionId);
        if (unreturned.length > 0) {
          this.giveBack(unreturned);
          await this.clients.once((client) => client.resume(executionId)).catch(() => undefined);
          return;
        }
        const event = await this.eventFor(executionId, round);
        if (event) this.clients.send(executionId, `mend-${round}`, event);
        return;
      }
      default: {
        if (this.clients.redriving.delete(executionId) && (await this.redriveAgain(executionId))) return;
        // Dead-lettered by the queue or the stream itself: an operator returns such a message.
        const native = this.nativeLetters(executionId);
        const standing = lock ? `it stalls at step ${lock.step}` : 'it was accepted and never began';
        // Under a limit, an execution that waits for room is lost only if it never gets room.
        if (native.length === 0 && this.setting.limit !== undefined) return;
        if (native.length === 0) this.model.wrong('I1', executionId, `is lost: ${standing}`);
        // An envelope that can be read back resumes without its dead letter.
        if (
          random.chance(0.5) &&
          (await this.clients.once((client) => client.resume(executionId)).catch(() => undefined)) === 'resumed'
        ) {
          return;
        }
        this.giveBack(native);
      }
    }
  }

  /**
   * Whether an operator can redrive an execution by hand. Only a client can move it to the deployed definition. Under a limit, it may have to
   * wait for room.
   */
  private get mayMoveBack(): boolean {
    return this.setting.upgradePolicy !== 'stop' && this.setting.limit === undefined;
  }

  /** The messages of an execution that a queue or stream has dead-lettered itself, and that no operator has returned. */
  private nativeLetters(executionId: string): readonly DeadLetter[] {
    return this.bench.services.deadLetters.letters.filter(
      (letter) =>
        // Those of a queue or stream, and of the engine for a message that was refused without a lease.
        (letter.executionId === undefined || letter.reason.startsWith('No service of the workflow accepts')) &&
        !this.returned.has(letter) &&
        // The engine dead-letters messages that are not envelopes without an executionId as well.
        executionIdOf(letter) === executionId &&
        isOf(letter, executionId, this.lock(executionId)),
    );
  }

  private giveBack(letters: readonly DeadLetter[]): void {
    for (const letter of letters) {
      this.returned.add(letter);
      this.clients.put(letter.body);
    }
  }

  /** Completes a redrive that a client has perhaps only begun. @returns whether there was something to complete */
  private async redriveAgain(executionId: string): Promise<boolean> {
    try {
      await this.clients.once((client) => client.redrive(executionId));
      return true;
    } catch (thrown) {
      return this.mustRepeatRedrive(executionId, thrown);
    }
  }

  /** A fault that was drawn before the calm may end a slow client during the recovery. The next round repeats its redrive. */
  private mustRepeatRedrive(executionId: string, thrown: unknown): boolean {
    if (!(thrown instanceof EnvironmentDiedError)) return false;
    this.clients.redriving.add(executionId);
    return true;
  }

  private async redrive(executionId: string, random: SeededRandom): Promise<void> {
    const moveToCurrent = random.fork('move').chance(this.setting.upgradePolicy === 'stop' ? 0.8 : 0.2);
    if (moveToCurrent) this.clients.moved.add(executionId);
    await this.clients
      .once((client) => client.redrive(executionId, { moveToCurrent }))
      .catch((thrown: Error) => {
        if (this.mustRepeatRedrive(executionId, thrown)) return;
        const letters = this.bench.services.deadLetters.letters.filter((letter) =>
          isOf(letter, executionId, this.lock(executionId)),
        );
        // The journal refused the envelope.
        if (this.setting.refuses && thrown.message.includes('only its dead letter has the envelope')) {
          return this.giveBack(letters);
        }
        this.model.wrong('I1', executionId, `cannot be redriven: ${thrown.message}`);
      });
  }

  private async eventFor(executionId: string, round: number): Promise<string | undefined> {
    const checkpoint = await this.checkpointOf(executionId);
    const events = Object.keys(this.setting.machine.states[checkpoint?.states.at(-1) ?? '']?.on ?? {});
    return events[round % events.length];
  }

  /** Reads the checkpoint of the latest attempt. */
  private async checkpointOf(executionId: string): Promise<Checkpoint | undefined> {
    const lock = this.lock(executionId);
    return lock && this.bench.services.journal.read(lock, lock.step, lock.fence);
  }

  /** I2: the history of every execution at rest is one that its machine allows. */
  private async checkExecutions(): Promise<void> {
    if (this.isBroken) return;
    const { locks, deadLetters } = this.bench.services;
    const stopped = deadLetters.letters.find(({ reason }) => reason.includes('DefinitionChangedError'));
    if (stopped && this.setting.upgradePolicy !== 'stop') {
      this.model.wrong(
        'I1',
        stopped.executionId ?? 'all',
        'was failed by a new definition, although the upgrade policy of its machine lets it continue',
      );
    }
    for (const letter of deadLetters.letters) {
      const { executionId, reason, body } = letter;
      const deaths = /^InvocationDiedError: (\d+) /.exec(reason)?.[1];
      if (executionId === undefined || deaths === undefined) continue;
      if (!isOf(letter, executionId, this.lock(executionId))) continue;
      // The engine dead-letters only what it could decode.
      const { step } = JSON.parse(body) as { readonly step: number };
      this.model.diedOf(executionId, step, Number(deaths));
    }
    for (const lock of locks.all) {
      if (lock.status === 'completed' || lock.status === 'parked') {
        const checkpoint = await this.checkpointOf(lock.executionId);
        const { definitions, upgradePolicy, redefinedAt, timeout } = this.setting;
        const lastOfOld = this.began + redefinedAt + SIDE_BY_SIDE + timeout;
        checkAtRest(
          this.model,
          { definitions, upgradePolicy, moved: this.clients.moved.has(lock.executionId), lastOfOld },
          lock,
          checkpoint,
          this.nativeLetters(lock.executionId).length > 0,
        );
        this.checkTimeout(lock, checkpoint);
        this.clients.checkStart(lock, checkpoint?.context);
      }
      if (this.clients.cancelled.has(lock.executionId) && lock.status !== 'cancelled') {
        this.model.wrong(
          'I2',
          lock.executionId,
          `is ${lock.status}, although its cancellation was confirmed to a client`,
        );
      }
    }
  }

  /** I1: no wait outlasts its timeout, unless the timeout was dead-lettered. */
  private checkTimeout(lock: Lock, checkpoint: Checkpoint | undefined): void {
    const timeout = this.setting.machine.states[checkpoint?.states.at(-1) ?? '']?.timeout;
    const { executionId, status, step } = lock;
    if (status !== 'parked' || !timeout) return;
    const isDead = this.bench.services.deadLetters.letters.some(
      (letter) =>
        isOf(letter, executionId, lock) &&
        letter.body.includes('"timeout":true') &&
        letter.body.includes(`"step":${step + 1},`),
    );
    if (!isDead) {
      this.model.wrong('I1', executionId, `waits at step ${step} beyond its timeout of ${timeout.seconds} s`);
    }
  }

  /**
   * I8: uses the ids of executions again whose records have expired. What the earlier executions have left arrives during the later ones:
   * messages, timeouts, callback tokens, and dead letters that an operator moves back.
   */
  private async reuse(): Promise<void> {
    const random = this.random.fork('reuse');
    const { limit, retention, lag } = this.setting;
    if (this.isBroken || limit !== undefined || retention === Infinity || !random.chance(0.3)) return;
    await this.bench.advance(retention + lag + DAY, this.limits);
    const { clock, services } = this.bench;
    const since = clock.now();
    const ids = [...this.clients.started].filter((executionId) => this.lock(executionId) === undefined);
    const leftovers = [...this.bodies, ...services.deadLetters.letters.map(({ body }) => body)];
    for (const executionId of ids) {
      this.model.forget(executionId);
      this.forgotten.delete(executionId);
      this.movedBack.delete(executionId);
      for (const token of this.clients.forget(executionId)) {
        clock.schedule(since + random.between(0, 20_000), () => this.clients.completeStale(token));
      }
      this.clients.start(executionId, 1);
      for (let copies = leftovers.length > 0 ? random.between(1, 4) : 0; copies > 0; copies -= 1) {
        clock.schedule(since + random.between(0, 20_000), () => this.clients.put(random.pick(leftovers)));
      }
    }
    if (ids.length === 0) return;
    await this.rest();
    await this.settle();
    await this.checkExecutions();
    for (const executionId of ids) {
      const { context } = (await this.checkpointOf(executionId)) ?? {};
      const old = context && marksOf(context).find(({ at }) => at < since);
      if (old) this.model.wrong('I8', executionId, `has run ${old.action} of an earlier execution with the same id`);
    }
  }

  /** I6: duplicates that arrive after all executions have ended, even days later or just when their locks expire, run nothing. */
  private async repeatLate(): Promise<void> {
    const random = this.random.fork('late');
    if (this.isBroken || !random.chance(0.3)) return;
    // A start that was sent after the end may begin a new execution once the old one has expired.
    const bodies = this.bodies.filter((body) => {
      const { executionId, sentAt } = JSON.parse(body) as { readonly executionId: string; readonly sentAt: number };
      const lock = this.lock(executionId);
      // An execution whose start was not confirmed to a client may still wait, and a message may wake it.
      return HAS_ENDED.has(lock?.status) && sentAt <= (lock?.updatedAt ?? 0);
    });
    if (bodies.length === 0) return;
    this.model.close('although all executions had ended');
    const { clock } = this.bench;
    const now = clock.now();
    for (const body of Array.from({ length: random.between(1, 4) }, () => random.pick(bodies))) {
      const { sentAt } = JSON.parse(body) as { readonly sentAt: number };
      const moments = [
        now + random.between(0, 60_000),
        now + random.between(0, 40) * DAY,
        sentAt + DAY + random.between(-8, 8) * SECOND,
      ];
      clock.schedule(Math.max(now, random.pick(moments)), () => this.clients.put(body));
    }
    await this.rest();
  }

  private lock(executionId: string): Lock | undefined {
    return this.clients.lock(executionId);
  }
}

/** Whether a dead letter is of an execution, and neither forged nor of an earlier one with the same id. */
function isOf({ body }: DeadLetter, executionId: string, lock: Lock | undefined): boolean {
  return (
    body.includes(`"executionId":"${executionId}"`) &&
    !body.includes(`"machine":"${FORGED_MACHINE}"`) &&
    (!lock || body.includes(`"incarnation":"${lock.incarnation}"`))
  );
}

/** The execution of a dead letter whose message is an envelope. */
function executionIdOf({ body }: DeadLetter): string | undefined {
  const decoded = decodeEnvelope(body);
  return 'envelope' in decoded ? decoded.envelope.executionId : undefined;
}

/** Makes a source report that nothing is available before a time. */
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
