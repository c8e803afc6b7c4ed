import type { ActionBody } from './world';
import { Engine, Executions, type Delivery, type EngineOptions, type Invocation, type Lock } from '../../lambda/engine';
import { normalize, type MachineInput } from '../../lambda/machine';
import { TestBench, type BenchOptions, type Environment } from '../../lambda/testing';

/** What is deployed: the machines, and how the runtime is set up. */
export interface Deployed {
  readonly machines: readonly MachineInput[];
  readonly options?: EngineOptions;
  /** What the runtime makes of a message before it reads it: a newer version of the library than this one can be played. */
  readonly read?: (body: string) => string;
}

/** A workflow in memory whose function is replaced while executions are in flight. */
export class Deployments {
  public readonly bench: TestBench;
  /** The states in which actions ran, with the number of the deployment, as in `2 paying`. */
  public readonly ran: string[] = [];
  /** What invocations were handed, in all. */
  public readonly deliveries: Delivery[] = [];
  private readonly all: Deployed[];
  private sharing = false;
  private turns = 0;

  constructor(first: Deployed, private readonly actions: Readonly<Record<string, ActionBody>>, options: BenchOptions = {}) {
    this.all = [first];
    this.bench = new TestBench((environment, bench) => ({
      process: (deliveries, invocation) => this.process(environment, bench, deliveries, invocation),
      sendDue: (stores, until, invocation) => this.engine(this.latest, environment, bench).sendDue(stores, until, invocation),
    }), options);
  }

  /** From now on the function has this code. */
  public deploy(next: Deployed): void {
    this.all.push(next);
  }

  /** While a deployment goes on, invocations find the last two versions of the function by turns. */
  public set halfway(halfway: boolean) {
    this.sharing = halfway;
  }

  public client<T>(code: (executions: Executions) => Promise<T>): Promise<T> {
    const names = this.all.at(-1)!.machines.map(({ name }) => name);
    return this.bench.asClient((ports) => code(new Executions(ports, names)));
  }

  public lock(executionId: string): Lock | undefined {
    return this.bench.services.locks.all.find((lock) => lock.executionId === executionId);
  }

  public get deadLetters(): readonly string[] {
    return this.bench.services.deadLetters.letters.map(({ reason }) => reason);
  }

  private get latest(): number {
    return this.all.length;
  }

  private process(environment: Environment, bench: TestBench, deliveries: readonly Delivery[], invocation: Invocation) {
    const version = this.sharing && this.turns++ % 2 === 0 ? this.latest - 1 : this.latest;
    const { read = (body) => body } = this.all[version - 1]!;
    this.deliveries.push(...deliveries);
    const engine = this.engine(version, environment, bench);
    return engine.process(deliveries.map((delivery) => ({ ...delivery, body: read(delivery.body) })), invocation);
  }

  private engine(version: number, environment: Environment, bench: TestBench): Engine {
    const { machines, options } = this.all[version - 1]!;
    const lookup = bench.instrument(environment, (_machine, name) => {
      const body = this.actions[name];
      return body && ((context, run) => {
        this.ran.push(`${version} ${run.state}`);
        return body(context, run, undefined as never);
      });
    });
    return new Engine(environment.ports, machines.map((machine) => normalize(machine)), lookup, options);
  }
}
