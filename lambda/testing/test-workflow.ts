import { clientOver, type ClientOperations, type WorkflowClient } from '../client/workflow-client';
import {
  actionsOf,
  Engine,
  Executions,
  missingActions,
  type ActionLookup,
  type CompleteOptions,
  type CompleteResult,
  type DeadLetter,
  type StartRequest,
} from '../engine';
import {
  describeProblem,
  normalize,
  validateTogether,
  type Actions,
  type Implementation,
  type Machine,
  type MachineInput,
} from '../machine';
import { SimulatedWorkflow, type SimulatedWorkflowOptions, type RunOptions } from './bench/simulated-workflow';
import type { FaultHit } from './faults/faults';
import type { WorkflowMetrics } from './recording/recorded-metrics';
import { createTestExecution, type TestExecution } from './test-execution';

/** A duration: the sum of its members. */
export interface Duration {
  readonly milliseconds?: number;
  readonly seconds?: number;
  readonly minutes?: number;
  readonly hours?: number;
  readonly days?: number;
}

/** The machines of a {@link TestWorkflow}, the simulated services, and the faults to inject. */
export interface TestWorkflowOptions extends SimulatedWorkflowOptions {
  /**
   * Machines with their actions: the results of `implement`, which an actions file exports by default.
   *
   * @default - none
   */
  readonly implementations?: readonly Implementation[];
  /**
   * Additional machines, for example machines loaded from YAML or JSON files.
   *
   * @default - none
   */
  readonly machines?: readonly Machine[];
  /**
   * The actions of `machines`: the result of `defineActions`.
   *
   * @default - none
   */
  readonly actions?: Actions;
  /**
   * Commits each step explicitly, as a workflow with `commit: EAGER` does.
   *
   * @default false
   */
  readonly eagerCommit?: boolean;
}

/**
 * Runs machines and their actions in memory, with the same engine that runs in AWS. The test controls the services, the time and the
 * randomness.
 *
 * ```ts
 * const workflow = new TestWorkflow({ implementations: [order], faults: [{ fault: 'fail', on: 'actions.charge', call: 1 }] });
 * const execution = await workflow.start('order', { context: { sku: 'tea' } });
 * await workflow.run();
 * expect(execution.status).toBe('completed');
 * expect(execution.context).toEqual({ sku: 'tea', charged: true });
 * ```
 *
 * Time is virtual. It stands still while there is work to do, then jumps to the next moment at which something is due, so a retry that is
 * due in an hour takes no real time. Actions run unchanged: virtual time stands still while an action waits in real time (for a server or
 * a `setTimeout`). To spend virtual time in an action, await {@link sleep}.
 */
export class TestWorkflow<Machines = MachineInput> {
  /**
   * A client of this workflow. Pass it to code under test that takes a `WorkflowClient`: that code runs unchanged. An execution takes its
   * steps when the workflow runs. For a typed client, name the machines: `new TestWorkflow<typeof machines>(…)`.
   */
  public readonly client: WorkflowClient<Machines>;
  private readonly simulated: SimulatedWorkflow;
  private readonly operations: ClientOperations;

  /**
   * @throws InvalidDefinitionError if a machine has errors
   * @throws TypeError if there are no machines, two machines share a name, or actions are missing
   * @throws RangeError if a fault is invalid, or there is no event source or no retry queue
   */
  constructor(options: TestWorkflowOptions) {
    const { implementations = [], machines = [], actions = {} } = options;
    const all = [...implementations.map(({ machine }) => normalize(machine)), ...machines];
    const lookup = actionsOf([...implementations, actions]);
    check(all, lookup);
    this.simulated = new SimulatedWorkflow(
      (environment, simulated) =>
        new Engine(environment.ports, all, simulated.instrument(environment, lookup), {
          eagerCommit: options.eagerCommit ?? false,
        }),
      options,
    );
    const names = all.map(({ name }) => name);
    this.operations = operationsOn(this.simulated, names);
    this.client = clientOver(names, this.operations);
  }

  /** The current virtual time. */
  public get now(): Date {
    return new Date(this.simulated.clock.now());
  }

  /** All accepted executions, in the order in which they were accepted. */
  public get executions(): readonly TestExecution[] {
    return this.simulated.recorder.started.map(({ executionId }) => this.execution(executionId));
  }

  /** All dead letters, oldest first. */
  public get deadLetters(): readonly DeadLetter[] {
    return this.simulated.services.deadLetters.letters;
  }

  /** The metrics that the function has emitted. */
  public get metrics(): WorkflowMetrics {
    return this.simulated.totals;
  }

  /** The faults injected so far. Pass them as `faults` to a workflow with the same seed to inject exactly the same faults. */
  public get injectedFaults(): readonly FaultHit[] {
    return this.simulated.faults.hits;
  }

  /**
   * Starts an execution, as `WorkflowClient.start` does. The execution takes its first step the next time that the workflow runs.
   *
   * @param machine the name of the machine
   * @throws the same errors as `WorkflowClient.start`
   */
  public async start(machine: string, request: Omit<StartRequest, 'machine'> = {}): Promise<TestExecution> {
    const { executionId } = await this.operations.start({ ...request, machine });
    return this.execution(executionId);
  }

  /**
   * Completes a callback, as `WorkflowClient.complete` does. The execution handles the event the next time that the workflow runs.
   *
   * @param token the token that `run.callbackToken()` returned to an action
   * @throws the same errors as `WorkflowClient.complete`
   */
  public complete(token: string, event: string, options?: CompleteOptions): Promise<CompleteResult> {
    return this.operations.complete(token, event, options);
  }

  /** Returns the execution with this id, whether or not it has been started. */
  public execution(executionId: string): TestExecution {
    return createTestExecution(executionId, this.simulated, this.operations);
  }

  /**
   * Runs until no work is left: every execution has ended, has failed, or is parked without a timeout. Virtual time advances as far as
   * necessary.
   *
   * @throws EndlessRunError if work is left after `maxInvocations` invocations
   */
  public run(options?: RunOptions): Promise<void> {
    return this.simulated.run(options);
  }

  /**
   * Runs for a duration of virtual time.
   *
   * @throws EndlessRunError if work is left within that time after `maxInvocations` invocations
   */
  public advance(duration: Duration, options?: RunOptions): Promise<void> {
    return this.simulated.advance(millisecondsOf(duration), options);
  }

  /** Spends virtual time. Call it from actions. */
  public sleep(duration: Duration): Promise<void> {
    return this.simulated.activity.sleep(() => this.simulated.clock.sleep(millisecondsOf(duration)));
  }
}

/** Each operation runs in the client's environment, which is a new one after a crash. */
function operationsOn(simulated: SimulatedWorkflow, machines: readonly string[]): ClientOperations {
  const run = <T>(operation: (executions: Executions) => Promise<T>) =>
    simulated.asClient((ports) => operation(new Executions(ports, machines)));
  return {
    start: (request) => run((executions) => executions.start(request)),
    startMany: (requests) => run((executions) => executions.startMany(requests)),
    send: (executionId, event, options) => run((executions) => executions.send(executionId, event, options)),
    complete: (token, event, options) => run((executions) => executions.complete(token, event, options)),
    listEvents: (executionId, options) => run((executions) => executions.listEvents(executionId, options)),
    dropEvent: (executionId, id) => run((executions) => executions.dropEvent(executionId, id)),
    describe: (executionId) => run((executions) => executions.describe(executionId)),
    cancel: (executionId) => run((executions) => executions.cancel(executionId)),
    redrive: (executionId, options) => run((executions) => executions.redrive(executionId, options)),
    resume: (executionId) => run((executions) => executions.resume(executionId)),
  };
}

function millisecondsOf({ milliseconds = 0, seconds = 0, minutes = 0, hours = 0, days = 0 }: Duration): number {
  return milliseconds + 1000 * (seconds + 60 * (minutes + 60 * (hours + 24 * days)));
}

function check(machines: readonly Machine[], actions: ActionLookup): void {
  if (machines.length === 0) {
    throw new TypeError('TestWorkflow has no machines: pass "implementations", or "machines" and their "actions".');
  }
  const problems = [
    ...validateTogether(machines).map(describeProblem),
    ...missingActions(machines, actions).map(
      ({ machine, state, action }) =>
        `Missing action for machine "${machine}", state "${state}": ${action}: add it to "implement" or to "actions".`,
    ),
  ];
  if (problems.length > 0) {
    throw new TypeError(problems.join('\n'));
  }
}
