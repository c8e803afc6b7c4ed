import type { Model } from './model';
import { sendingTo, type Brokers, type Setting } from './setting';
import type { Trace } from './trace';
import type { HandedOut } from './workflow-function';
import { POISON, SECRET } from './workload';
import { Executions, type Envelope, type Lock } from '../../lambda/engine';
import type { JsonObject, MachineInput } from '../../lambda/machine';
import { SeededRandom } from '../../lambda/testing';
import type { SimulatedWorkflow } from '../../lambda/testing/bench/simulated-workflow';

const SECOND = 1_000;

/** The machine that forged messages name. No function runs it. */
export const FORGED_MACHINE = 'forged';

/**
 * The clients of a workflow: they start executions, send events, complete callbacks, resume, redrive and cancel, and do so early, late and
 * twice.
 */
export class Clients {
  /** Ids of the executions whose start was confirmed to a client. */
  public readonly started = new Set<string>();
  /** Ids of the executions that a client was told to have started. */
  private readonly starters = new Set<string>();
  /** The contexts of the starts that were accepted, by execution. */
  private readonly contexts = new Map<string, readonly number[]>();
  /** Ids of the executions whose cancellation was confirmed to a client. */
  public readonly cancelled = new Set<string>();
  /** Ids of the executions that clients began to redrive. */
  public readonly redriving = new Set<string>();
  /** Ids of the executions that clients redrove with the current definition. */
  public readonly moved = new Set<string>();
  private readonly began: number;
  private readonly tokens: HandedOut[] = [];
  private readonly sides: SeededRandom;

  constructor(
    private readonly setting: Setting,
    private readonly bench: SimulatedWorkflow,
    private readonly model: Model,
    /** All messages that were sent. */
    private readonly bodies: readonly string[],
    private readonly trace?: Trace,
  ) {
    this.began = bench.clock.now();
    this.sides = new SeededRandom(`${setting.seed}/clients`);
  }

  /** Plans the starts, events, duplicates and poison of the run. */
  public schedule(random: SeededRandom): void {
    const executions = (random.chance(0.05) ? 12 : random.between(1, 3)) + (this.setting.limit ?? 0);
    const waiting = Object.values(this.setting.machine.states).filter((state) => !state.do);
    const events = [...new Set(waiting.flatMap((state) => Object.keys(state.on ?? {})))];
    for (let index = 0; index < executions; index += 1) {
      const executionId = `e${index}`;
      const startsAt = random.pick([0, random.between(0, 20_000)]);
      for (let twin = random.pick([1, 1, 2, 3]); twin > 0; twin -= 1) {
        this.at(startsAt + random.pick([0, random.between(0, 90_000)]), () => this.start(executionId, twin));
      }
      for (let times = random.pick([0, 0, 1, 3]); times > 0; times -= 1) {
        this.at(startsAt + random.pick([random.between(0, 5_000), random.between(0, 120_000)]), () =>
          this.resume(executionId),
        );
      }
      const redrives = random.fork(`redrive/${executionId}`);
      for (let times = redrives.pick([0, 0, 1, 3]); times > 0; times -= 1) {
        const moveToCurrent = redrives.fork(`move/${times}`).chance(0.2);
        this.at(startsAt + redrives.pick([10_000, redrives.between(0, 120_000)]), () =>
          this.redrive(executionId, moveToCurrent),
        );
      }
      if (random.chance(0.15)) {
        const cancelsAt = startsAt + random.pick([random.between(0, 2_000), random.between(0, 90_000)]);
        for (let twin = random.pick([1, 1, 2]); twin > 0; twin -= 1) {
          this.at(cancelsAt + random.pick([0, 10, 5_000]), () => this.cancel(executionId));
        }
      }
      if (events.length === 0) continue;
      for (let mail = random.between(0, 4); mail > 0; mail -= 1) {
        const event = random.pick(events);
        const id = `mail-${mail}`;
        for (let twin = random.pick([1, 1, 2]); twin > 0; twin -= 1) {
          // Including while the execution is about to park.
          this.at(startsAt + random.pick([random.between(0, 60_000), random.between(0, 1_500)]), () =>
            this.send(executionId, id, event),
          );
        }
        const others = random.fork(`mail/${executionId}/${mail}`);
        if (others.chance(0.2)) {
          this.at(startsAt + others.pick([others.between(0, 60_000), others.between(0, 1_500)]), () =>
            this.drop(executionId, id),
          );
        }
        if (others.chance(0.1)) {
          this.at(startsAt + others.between(0, 60_000), () => this.sendOther(executionId, id, event));
        }
      }
      const crowd = random.fork(`crowd/${executionId}`);
      if (crowd.chance(0.1)) {
        const event = crowd.pick(events);
        const at = startsAt + crowd.between(0, 30_000);
        for (let sender = 0; sender < 8; sender += 1) {
          this.at(at + crowd.between(0, 2), () => this.send(executionId, `crowd-${sender}`, event));
        }
      }
    }
    if (random.chance(0.2)) POISON.forEach((body) => this.at(random.between(0, 30_000), () => this.put(body)));
    const hostile = random.fork('hostile');
    for (let messages = hostile.pick([0, 0, 2, 8]); messages > 0; messages -= 1) {
      this.at(hostile.between(0, 120_000), () => this.sendForged(hostile));
    }
    if (random.chance(0.3)) {
      for (let copies = random.between(1, 4); copies > 0; copies -= 1) {
        this.at(random.between(0, 300_000), () => {
          if (this.bodies.length > 0) this.put(random.pick(this.bodies));
        });
      }
    }
  }

  /**
   * Sends what a principal can forge that may start executions, with full knowledge of a lock: a step, a wake-up or a timeout of the execution,
   * which names another machine, or ends the wait early with an event of its choice.
   */
  private sendForged(random: SeededRandom): void {
    const locks = this.bench.services.locks.all.filter(({ fence }) => fence > 0);
    if (locks.length === 0) return;
    const { executionId, incarnation, machine, step, fence, parent, state } = random.pick(locks);
    const again = random.chance(0.3);
    const asksToLook = random.pick<Partial<Envelope>>([{ timeout: true }, { timeout: true }, { wakes: true }, {}]);
    const isStep = !asksToLook.timeout && !asksToLook.wakes;
    const forged: Envelope = {
      version: 1,
      executionId,
      incarnation,
      machine: isStep || random.chance(0.5) ? FORGED_MACHINE : machine,
      step: again && step > 0 ? step : step + 1,
      parent: again && step > 0 ? parent : fence,
      attempt: 0,
      state,
      event: random.pick(['wake', 'skip', 'next', 'nonsense']),
      context: {},
      sentAt: this.bench.clock.now(),
      ...asksToLook,
    };
    this.put(JSON.stringify(forged));
  }

  /** Puts a message into the source without a client: a late duplicate, or poison. */
  public put(body: string): void {
    this.trace?.note(`a copy of a message arrives: ${body.slice(0, 160)}`);
    this.bench.services.eventSources[0]?.put(body);
  }

  /** Sends an event, and retries for a while. */
  public send(executionId: string, id: string, event: string): void {
    this.persist(async (client) => {
      this.model.offers(executionId, id, event);
      const known = this.lock(executionId)?.status;
      await client.send(executionId, event, { id, data: { id, secret: SECRET } }).catch((error: Error) => {
        // The execution may have moved on in the meantime, but never to more events.
        const state = this.lock(executionId)?.state;
        if (error.name === 'InvalidRequestError' && canReach(this.setting.definitions, state, event)) {
          this.model.wrong('I1', executionId, `the event "${event}" was refused, although ${state} leads to it`);
        }
        throw error;
      });
      if (known === 'completed' || known === 'cancelled') {
        this.model.wrong('I1', executionId, `the event ${id} was accepted although the execution is ${known}`);
      }
      this.model.accepts(executionId, id, event);
    });
  }

  /** Sends an id again with other data. */
  private sendOther(executionId: string, id: string, event: string): void {
    if (!this.model.acceptedBy(executionId).accepted.some((mail) => mail.id === id)) return;
    this.once((client) => client.send(executionId, event, { id, data: { id: 'other' } })).then(
      (result) => this.model.wrong('I1', executionId, `the id ${id} was ${result} again with other data`),
      (error: Error) => this.trace?.note(`client: ${error.message}`),
    );
  }

  /** Drops an event. */
  private drop(executionId: string, id: string): void {
    this.model.drops(executionId, id);
    this.once((client) => client.dropEvent(executionId, id)).then(
      (result) => {
        this.trace?.note(`client: ${id} of ${executionId} is ${result}`);
        if (result === 'dropped') this.model.dropped(executionId, id);
      },
      (error: Error) => this.trace?.note(`client: ${error.message}`),
    );
  }

  /** Receives a callback token, and completes it at random: soon, late, twice, with several events, and with forged variants of it. */
  public receive(handedOut: HandedOut): void {
    const { executionId, step, state, token } = handedOut;
    this.model.handsOut(executionId, step, token);
    this.tokens.push(handedOut);
    const random = new SeededRandom(`${this.setting.seed}/token/${this.tokens.length}`);
    const events = Object.keys(this.setting.machine.states[state]?.on ?? {});
    const now = this.bench.clock.now() - this.began;
    for (let times = random.pick([0, 1, 1, 2, 3]); times > 0; times -= 1) {
      const event = random.pick(events);
      this.at(now + random.pick([0, 1, 800, random.between(0, 40_000)]), () => this.complete(handedOut, event));
    }
    if (!random.chance(0.2)) return;
    this.at(now + random.between(0, 5_000), () => this.forge(handedOut, random.pick(this.tokens), random.pick(events)));
  }

  /** Makes one request as a client. */
  public once<T>(code: (client: Executions) => Promise<T>): Promise<T> {
    return this.bench.asClient((ports) =>
      code(new Executions(sendingTo(ports, this.brokers()), [this.setting.machine.name])),
    );
  }

  /** Cancels an execution, and retries failures. */
  public cancel(executionId: string): void {
    this.persist(async (client) => {
      const status = await client.cancel(executionId);
      if (status === 'cancelled') this.cancelled.add(executionId);
      const known = this.lock(executionId)?.status;
      if (known !== undefined && known !== status) {
        this.model.wrong('I2', executionId, `was reported to a client as ${status}, but is ${known}`);
      }
    });
  }

  /** Describes an execution. */
  public lock(executionId: string): Lock | undefined {
    return this.bench.services.locks.all.find((lock) => lock.executionId === executionId);
  }

  /** Redrives an execution, also concurrently: only a failed one is affected. A redrive that began must be repeated until it succeeds. */
  private redrive(executionId: string, moveToCurrent: boolean): void {
    this.redriving.add(executionId);
    if (moveToCurrent) this.moved.add(executionId);
    this.persist((client) => client.redrive(executionId, { moveToCurrent }));
  }

  /** Resumes an execution: a healthy one is not affected, see `Executions.resume`. */
  private resume(executionId: string): void {
    const before = this.lock(executionId);
    this.once((client) => client.resume(executionId))
      .then((result) => {
        this.trace?.note(`client: resuming ${executionId} returned ${result}`);
        const after = this.lock(executionId);
        const isHeld =
          after?.status === 'running' &&
          !after.done &&
          before?.fence === after.fence &&
          // A client may be ahead by less than a minute: it corrects only more.
          after.expires > this.bench.clock.now() + (this.setting.clientClockSkew % (60 * SECOND));
        if (isHeld && before.expires === after.expires && result !== 'running') {
          this.model.wrong('I3', executionId, `was ${result} while fence ${after.fence} held it`);
        }
      })
      .catch((error: Error) => this.trace?.note(`client: ${error.message}`));
  }

  private complete({ executionId, step, token }: HandedOut, event: string): void {
    const id = `token-${step}-${event}`;
    this.persist(async (client) => {
      this.model.offers(executionId, id, event, step);
      const known = this.lock(executionId);
      const isOver = known && (known.step > step || known.status === 'completed' || known.status === 'cancelled');
      const result = await client.complete(token, event, { data: { id, secret: SECRET } }).catch((error: Error) => {
        if (error.name === 'InvalidTokenError' && !this.hasEnded(executionId)) {
          this.model.wrong('I1', executionId, `the token of step ${step} was rejected as forged`);
        }
        throw error;
      });
      if (isOver && result === 'accepted') {
        this.model.wrong(
          'I1',
          executionId,
          `the token of step ${step} was accepted although the execution had moved on`,
        );
      }
      if (result === 'accepted') this.model.accepts(executionId, id, event, step);
      else this.model.spends(executionId, step, this.hasEnded(executionId));
    });
  }

  /** Forges a token from parts of two tokens, or from one token and another step. */
  private forge({ executionId, step, token }: HandedOut, other: HandedOut, event: string): void {
    const [, , seal = ''] = other.token.split('.');
    const [id = ''] = token.split('.');
    const isOther = other.executionId !== executionId || other.step !== step;
    const forged = `${id}.${isOther ? step : step + 1}.${seal}`;
    this.once((client) => client.complete(forged, event, { data: { id: 'forged' } })).then(
      (result) => this.model.wrong('I1', executionId, `a forged token was ${result}`),
      (error: Error) => this.trace?.note(`client: ${error.message}`),
    );
  }

  /** The brokers in the configuration of a client. Clients are deployed later than the workflow, or never. */
  private brokers(): Brokers {
    const { brokers, brokersChangedAt } = this.setting;
    const isOld = this.bench.clock.now() - this.began < brokersChangedAt || this.sides.chance(0.5);
    return brokers[isOld ? 0 : 1];
  }

  private hasEnded(executionId: string): boolean {
    const status = this.lock(executionId)?.status;
    return status === undefined || status === 'completed' || status === 'cancelled';
  }

  private at(milliseconds: number, what: () => void): void {
    this.bench.clock.schedule(this.began + milliseconds, what);
  }

  /**
   * Starts an execution. Duplicate starts have the same context or another one, and accept an existing execution or not.
   *
   * @param twin its number among the duplicate starts of the execution
   */
  public start(executionId: string, twin: number): void {
    const random = new SeededRandom(`${this.setting.seed}/start/${executionId}/${twin}`);
    const ownContext = random.chance(0.3) ? twin : 1;
    const ifExists = random.pick(['error', 'error', 'accept'] as const);
    this.persist(async (client) => {
      const { outcome } = await client.start({
        machine: this.setting.machine.name,
        executionId,
        context: { marks: [], twin: ownContext, secret: SECRET },
        ifExists,
      });
      // Accepting an execution of another context, which this client cannot send, promises nothing about it.
      if (outcome === 'exists' && ifExists === 'accept') return;
      this.started.add(executionId);
      if (outcome === 'started' && this.starters.has(executionId)) {
        this.model.wrong('I6', executionId, 'was reported to two clients as started');
      }
      if (outcome === 'started') this.starters.add(executionId);
      this.contexts.set(executionId, [...(this.contexts.get(executionId) ?? []), ownContext]);
    });
  }

  /**
   * The record of an ended execution has expired, so its id may be used again.
   *
   * @returns the callback tokens that it has handed out
   */
  public forget(executionId: string): readonly HandedOut[] {
    for (const known of [this.started, this.starters, this.contexts, this.cancelled, this.redriving, this.moved]) {
      known.delete(executionId);
    }
    return this.tokens.filter((handedOut) => handedOut.executionId === executionId);
  }

  /** I8: completes a callback token that an earlier execution with the same id has handed out. */
  public completeStale({ executionId, state, token }: HandedOut): void {
    const [event = ''] = Object.keys(this.setting.machine.states[state]?.on ?? {});
    this.once((client) => client.complete(token, event, { data: { id: 'stale' } })).then(
      (result) => {
        if (result === 'accepted') {
          this.model.wrong('I8', executionId, 'accepted a callback token of an earlier execution with the same id');
        }
      },
      (error: Error) => this.trace?.note(`client: ${error.message}`),
    );
  }

  /** I6: the context that runs is the context of every client whose start was accepted. */
  public checkStart({ executionId }: Lock, context: JsonObject | undefined): void {
    const other = this.contexts.get(executionId)?.find((twin) => context !== undefined && twin !== context.twin);
    if (other === undefined) return;
    this.model.wrong(
      'I6',
      executionId,
      `runs context ${String(context?.twin)}, although context ${other} was accepted`,
    );
  }

  /** Retries a request a few times, as a client would. */
  private persist(code: (client: Executions) => Promise<void>, tries: number = 3): void {
    this.once(code).catch((error: Error) => {
      this.trace?.note(`client: ${error.message}`);
      if (tries > 1 && !['ExecutionEndedError', 'NotFailedError', 'ExecutionAlreadyExistsError'].includes(error.name)) {
        this.bench.clock.schedule(this.bench.clock.now() + 5 * SECOND, () => this.persist(code, tries - 1));
      }
    });
  }
}

/** Whether a state, or a state after it, handles an event. */
function canReach(machines: readonly MachineInput[], from: string | undefined, event: string): boolean {
  const states = new Set(from === undefined ? machines.map(({ initial }) => initial) : [from]);
  for (const name of states) {
    for (const { states: known } of machines) {
      const { on = {}, catch: caught } = known[name] ?? {};
      if (event in on) return true;
      for (const next of [...Object.values(on), caught]) {
        const target = typeof next === 'object' ? next.target : next;
        if (target !== undefined) states.add(target);
      }
    }
  }
  return false;
}
