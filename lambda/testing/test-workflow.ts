import {
  actionsOf,
  Engine,
  Executions,
  missingActions,
  type ActionLookup,
  type CompleteOptions,
  type CompleteResult,
  type DeadLetter,
  type Ports,
  type StartRequest,
} from '../engine';
import { describeProblem, normalize, validateTogether, type Actions, type Implementation, type Machine } from '../machine';
import type { FaultHit } from './faults';
import type { MetricTotals } from './recorded-metrics';
import { TestBench, type BenchOptions, type RunOptions } from './test-bench';
import { TestExecution } from './test-execution';

/** A stretch of time: the sum of what is given. */
export interface Duration {
  readonly milliseconds?: number;
  readonly seconds?: number;
  readonly minutes?: number;
  readonly hours?: number;
  readonly days?: number;
}

/** Which machines a {@link TestWorkflow} runs, and what it has to bear. */
export interface TestWorkflowOptions extends BenchOptions {
  /** What an actions file exports by default: the results of `implement`. */
  readonly implementations?: readonly Implementation[];
  /** Machines that were loaded from a file, in addition. */
  readonly machines?: readonly Machine[];
  /** The actions of those machines: the result of `defineActions`. */
  readonly actions?: Actions;
  /**
   * Commits each step explicitly.
   *
   * @default false
   */
  readonly eagerCommit?: boolean;
}

/**
 * Runs machines with their real actions in memory: the same engine as in the cloud, with services, time and chance that a test controls.
 *
 * ```ts
 * const workflow = new TestWorkflow({ implementations: [order], faults: [{ fault: 'fail', on: 'actions.charge', call: 1 }] });
 * const execution = await workflow.start('order', { context: { sku: 'tea' } });
 * await workflow.run();
 * expect(execution.status).toBe('completed');
 * expect(execution.context).toEqual({ sku: 'tea', charged: true });
 * ```
 *
 * Time is virtual: it stands still while anything can be done, and then jumps to the next moment at which something is due, so a retry
 * an hour away takes no time. Actions run as they are: what they wait for in real time (a server, a `setTimeout`) is waited for, while
 * virtual time stands still. To spend virtual time, an action awaits {@link sleep}.
 */
export class TestWorkflow {
  /** The services, clock and faults underneath, for tests that must get at them. */
  public readonly bench: TestBench;
  private readonly machines: readonly Machine[];

  /**
   * @throws InvalidDefinitionError when a machine has errors
   * @throws TypeError when there is no machine, two have one name, or actions are missing
   * @throws RangeError for impossible faults
   */
  constructor(options: TestWorkflowOptions) {
    const { implementations = [], machines = [], actions = {} } = options;
    this.machines = [...implementations.map(({ machine }) => normalize(machine)), ...machines];
    const lookup = actionsOf([...implementations, actions]);
    check(this.machines, lookup);
    this.bench = new TestBench((environment, bench) => (
      new Engine(environment.ports, this.machines, bench.instrument(environment, lookup), { eagerCommit: options.eagerCommit ?? false })
    ), options);
  }

  /** The virtual time. */
  public get now(): Date {
    return new Date(this.bench.clock.now());
  }

  /** The executions that were accepted, in that order. */
  public get executions(): readonly TestExecution[] {
    return this.bench.recorder.started.map(({ executionId }) => this.execution(executionId));
  }

  /** All that nobody will try again by itself. */
  public get deadLetters(): readonly DeadLetter[] {
    return this.bench.services.deadLetters.letters;
  }

  /** What the function's invocations have counted. */
  public get metrics(): MetricTotals {
    return this.bench.totals;
  }

  /** The faults that were injected so far: as `faults` of another workflow with the same seed, they hit it in the same way. */
  public get injectedFaults(): readonly FaultHit[] {
    return this.bench.faults.hits;
  }

  /**
   * Starts an execution, as a client does. It takes its first step when the workflow runs.
   *
   * @param machine name of the machine
   * @throws as the client's `start` does
   */
  public async start(machine: string, request: Omit<StartRequest, 'machine'> = {}): Promise<TestExecution> {
    const { executionId } = await this.bench.asClient((ports) => this.client(ports).start({ ...request, machine }));
    return this.execution(executionId);
  }

  /**
   * Sends the event of a callback token, as a client does. It is taken when the workflow runs.
   *
   * @param token what `run.callbackToken()` has given an action
   * @throws as the client's `complete` does
   */
  public complete(token: string, event: string, options?: CompleteOptions): Promise<CompleteResult> {
    return this.bench.asClient((ports) => this.client(ports).complete(token, event, options));
  }

  /** The execution of that name, whether it was started already or not. */
  public execution(executionId: string): TestExecution {
    return new TestExecution(executionId, this.bench, (ports) => this.client(ports));
  }

  /**
   * Goes on until nothing is left to do: every execution has ended, has failed, or is parked without a timeout. It takes as much virtual
   * time as that needs.
   *
   * @throws EndlessRunError when that does not come about
   */
  public run(options?: RunOptions): Promise<void> {
    return this.bench.run(options);
  }

  /**
   * Goes on for a stretch of virtual time.
   *
   * @throws EndlessRunError when there is no end to what is to be done in that time
   */
  public advance(duration: Duration, options?: RunOptions): Promise<void> {
    return this.bench.advance(millisecondsOf(duration), options);
  }

  /** For actions: spends virtual time. */
  public sleep(duration: Duration): Promise<void> {
    return this.bench.activity.sleep(() => this.bench.clock.sleep(millisecondsOf(duration)));
  }

  private client(ports: Ports): Executions {
    return new Executions(ports, this.machines.map(({ name }) => name));
  }
}

function millisecondsOf({ milliseconds = 0, seconds = 0, minutes = 0, hours = 0, days = 0 }: Duration): number {
  return milliseconds + 1000 * (seconds + 60 * (minutes + 60 * (hours + 24 * days)));
}

function check(machines: readonly Machine[], actions: ActionLookup): void {
  if (machines.length === 0) {
    throw new TypeError('There is nothing to run: give "implementations", or "machines" and their "actions".');
  }
  const problems = [
    ...validateTogether(machines).map(describeProblem),
    ...missingActions(machines, actions).map((missing) => `There is no action for ${missing}. Add it to "implement" or "actions".`),
  ];
  if (problems.length > 0) {
    throw new TypeError(problems.join('\n'));
  }
}
