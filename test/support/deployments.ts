import type { ActionBody } from './world';
import { Engine, Executions, type Delivery, type EngineOptions, type Invocation, type Lock } from '../../lambda/engine';
import { normalize, type MachineInput } from '../../lambda/machine';
import type { SimulatedWorkflowOptions } from '../../lambda/testing';
import type { ExecutionEnvironment } from '../../lambda/testing/bench/execution-environment';
import { SimulatedWorkflow } from '../../lambda/testing/bench/simulated-workflow';

/** A deployment: the machines and the options of the runtime. */
export interface Deployed {
  readonly machines: readonly MachineInput[];
  readonly options?: EngineOptions;
  /** Changes a message before the runtime reads it, to simulate a newer version of the library. */
  readonly read?: (body: string) => string;
}

/** A workflow in memory whose function is replaced while executions are in flight. */
export class Deployments {
  public readonly bench: SimulatedWorkflow;
  /** The states whose actions ran, after the number of the deployment, as in `2 paying`. */
  public readonly ran: string[] = [];
  /** All deliveries of all invocations. */
  public readonly deliveries: Delivery[] = [];
  private readonly all: Deployed[];
  private sharing = false;
  private turns = 0;

  constructor(
    first: Deployed,
    private readonly actions: Readonly<Record<string, ActionBody>>,
    options: SimulatedWorkflowOptions = {},
  ) {
    this.all = [first];
    this.bench = new SimulatedWorkflow(
      (environment, bench) => ({
        process: (deliveries, invocation) => this.process(environment, bench, deliveries, invocation),
        sendDue: (stores, until, invocation) =>
          this.engine(this.latest, environment, bench).sendDue(stores, until, invocation),
      }),
      options,
    );
  }

  /** Replaces the code of the function. */
  public deploy(next: Deployed): void {
    this.all.push(next);
  }

  /** Simulates a deployment in progress: invocations reach the last two versions of the function by turns. */
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

  private process(
    environment: ExecutionEnvironment,
    bench: SimulatedWorkflow,
    deliveries: readonly Delivery[],
    invocation: Invocation,
  ) {
    const version = this.sharing && this.turns++ % 2 === 0 ? this.latest - 1 : this.latest;
    const { read = (body) => body } = this.all[version - 1]!;
    this.deliveries.push(...deliveries);
    const engine = this.engine(version, environment, bench);
    return engine.process(
      deliveries.map((delivery) => ({ ...delivery, body: read(delivery.body) })),
      invocation,
    );
  }

  private engine(version: number, environment: ExecutionEnvironment, bench: SimulatedWorkflow): Engine {
    const { machines, options } = this.all[version - 1]!;
    const lookup = bench.instrument(environment, (_machine, name) => {
      const body = this.actions[name];
      return (
        body &&
        ((context, run) => {
          this.ran.push(`${version} ${run.state}`);
          return body(context, run, undefined as never);
        })
      );
    });
    return new Engine(
      environment.ports,
      machines.map((machine) => normalize(machine)),
      lookup,
      options,
    );
  }
}
