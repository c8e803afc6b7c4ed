import type { Model } from './model';
import type { Setting } from './setting';
import type { Trace } from './trace';
import type { HandedOut } from './workflow-function';
import { POISON, SECRET } from './workload';
import { Executions, type Lock } from '../../lambda/engine';
import { SeededRandom, type TestBench } from '../../lambda/testing';

const SECOND = 1_000;

/**
 * What people and programs outside do to a workflow: they start executions, send events, complete callbacks, resume and cancel, early, late
 * and twice.
 */
export class Clients {
  /** Ids of the executions that a client was told are started. */
  public readonly started = new Set<string>();
  /** Ids of the executions that a client was told are cancelled. */
  public readonly cancelled = new Set<string>();
  /** Ids of the executions that clients have begun to redrive. */
  public readonly redriving = new Set<string>();
  /** Ids of the executions that clients have redriven with the definition that is current then. */
  public readonly moved = new Set<string>();
  private readonly began: number;
  private readonly tokens: HandedOut[] = [];

  constructor(
    private readonly setting: Setting,
    private readonly bench: TestBench,
    private readonly model: Model,
    /** All bodies that were sent. */
    private readonly bodies: readonly string[],
    private readonly trace?: Trace,
  ) {
    this.began = bench.clock.now();
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
        this.at(startsAt + random.pick([random.between(0, 5_000), random.between(0, 120_000)]), () => this.resume(executionId));
      }
      const redrives = random.fork(`redrive/${executionId}`);
      for (let times = redrives.pick([0, 0, 1, 3]); times > 0; times -= 1) {
        const moveToCurrent = redrives.fork(`move/${times}`).chance(0.2);
        this.at(startsAt + redrives.pick([10_000, redrives.between(0, 120_000)]), () => this.redrive(executionId, moveToCurrent));
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

  /** A message that the source delivers though nobody has sent it now. */
  public put(body: string): void {
    this.trace?.note(`a copy of a message arrives: ${body.slice(0, 160)}`);
    this.bench.services.eventSources[0]?.put(body);
  }

  /** Sends an event, and keeps trying for a while. */
  public send(executionId: string, id: string, event: string): void {
    this.persist(async (client) => {
      this.model.offers(executionId, id, event);
      const known = this.lock(executionId)?.status;
      await client.send(executionId, event, { id, data: { id, secret: SECRET } });
      if (known === 'completed' || known === 'cancelled') this.model.wrong('I1', executionId, `the event ${id} is accepted, though the execution is ${known}`);
      this.model.accepts(executionId, id, event);
    });
  }

  /** Gets a callback token, and completes it as chance has it: soon, late, twice, with several events; and with what it makes of it. */
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

  /** Does something as a client, once. */
  public once<T>(code: (client: Executions) => Promise<T>): Promise<T> {
    return this.bench.asClient((ports) => code(new Executions(ports, [this.setting.machine.name])));
  }

  /** Cancels an execution, and tries that again when it does not work. */
  public cancel(executionId: string): void {
    this.persist(async (client) => {
      const status = await client.cancel(executionId);
      if (status === 'cancelled') this.cancelled.add(executionId);
      const known = this.lock(executionId)?.status;
      if (known !== undefined && known !== status) this.model.wrong('I2', executionId, `a client was told that it is ${status}, but it is ${known}`);
    });
  }

  /** How an execution stands, whoever asks. */
  public lock(executionId: string): Lock | undefined {
    return this.bench.services.locks.all.find((lock) => lock.executionId === executionId);
  }

  /** Only a failed execution is disturbed, though several people redrive it at once. Who has begun must go on until it works. */
  private redrive(executionId: string, moveToCurrent: boolean): void {
    this.redriving.add(executionId);
    if (moveToCurrent) this.moved.add(executionId);
    this.persist((client) => client.redrive(executionId, { moveToCurrent }));
  }

  /** A healthy execution is not disturbed, see `Executions.resume`. */
  private resume(executionId: string): void {
    const before = this.lock(executionId);
    this.once((client) => client.resume(executionId)).then((result) => {
      this.trace?.note(`client: resuming ${executionId} came to ${result}`);
      const after = this.lock(executionId);
      const isHeld = after?.status === 'running' && !after.done && before?.fence === after.fence && after.expires > this.bench.clock.now();
      if (isHeld && before.expires === after.expires && result !== 'running') {
        this.model.wrong('I3', executionId, `was ${result} while fence ${after.fence} held it`);
      }
    }).catch((error: Error) => this.trace?.note(`client: ${error.message}`));
  }

  private complete({ executionId, step, token }: HandedOut, event: string): void {
    const id = `token-${step}-${event}`;
    this.persist(async (client) => {
      this.model.offers(executionId, id, event, step);
      const known = this.lock(executionId);
      const isOver = known && (known.step > step || known.status === 'completed' || known.status === 'cancelled');
      const result = await client.complete(token, event, { data: { id, secret: SECRET } }).catch((error: Error) => {
        if (error.name === 'InvalidTokenError' && !this.hasEnded(executionId)) {
          this.model.wrong('I1', executionId, `the token of step ${step} is taken for a false one`);
        }
        throw error;
      });
      if (isOver && result === 'accepted') this.model.wrong('I1', executionId, `the token of step ${step} is accepted, though the execution has gone on`);
      if (result === 'accepted') this.model.accepts(executionId, id, event, step);
      else this.model.spends(executionId, step, this.hasEnded(executionId));
    });
  }

  /** Somebody makes a token up out of two that he has, or of one and another step. */
  private forge({ executionId, step, token }: HandedOut, other: HandedOut, event: string): void {
    const [, , seal = ''] = other.token.split('.');
    const [id = ''] = token.split('.');
    const isOther = other.executionId !== executionId || other.step !== step;
    const forged = `${id}.${isOther ? step : step + 1}.${seal}`;
    this.once((client) => client.complete(forged, event, { data: { id: 'forged' } })).then(
      (result) => this.model.wrong('I1', executionId, `a token that was made up is ${result}`),
      (error: Error) => this.trace?.note(`client: ${error.message}`),
    );
  }

  private hasEnded(executionId: string): boolean {
    const status = this.lock(executionId)?.status;
    return status === undefined || status === 'completed' || status === 'cancelled';
  }

  private at(milliseconds: number, what: () => void): void {
    this.bench.clock.schedule(this.began + milliseconds, what);
  }

  /** @param twin its number among those that start the same execution */
  public start(executionId: string, twin: number): void {
    this.persist(async (client) => {
      await client.start({ machine: this.setting.machine.name, executionId, context: { marks: [], twin, secret: SECRET } });
      this.started.add(executionId);
    });
  }

  /** What a client does about errors: it tries again, a few times. */
  private persist(code: (client: Executions) => Promise<void>, tries: number = 3): void {
    this.once(code).catch((error: Error) => {
      this.trace?.note(`client: ${error.message}`);
      if (tries > 1 && !['ExecutionEndedError', 'NotFailedError'].includes(error.name)) {
        this.bench.clock.schedule(this.bench.clock.now() + 5 * SECOND, () => this.persist(code, tries - 1));
      }
    });
  }
}
