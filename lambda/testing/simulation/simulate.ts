import { Effects } from './effects';
import { SimulationReport, type SimulationProblem } from './report';
import { drawScenario, EVENT_SOURCE_KINDS, type Scenario } from './scenario';
import { search, type SearchRun } from './search';
import { shrink } from './shrink';
import { ExecutionEndedError, type ExecutionStatus } from '../../engine';
import { normalize, stateOf, type Implementation, type Json, type JsonObject, type Machine } from '../../machine';
import { EndlessRunError } from '../bench/simulated-workflow';
import { SeededRandom } from '../determinism/seeded-random';
import { VIRTUAL_EPOCH } from '../determinism/virtual-clock';
import type { FaultHit, FaultRule } from '../faults/faults';
import type { TestExecution } from '../test-execution';
import { TestWorkflow } from '../test-workflow';

/** No faults are injected after this many milliseconds of virtual time. */
const CALM_AFTER_MS = 300_000;

/** Maximum number of rounds in which every parked execution is sent an event. */
const MAX_ROUNDS = 50;

/** Maximum number of invocations in a run that searches unreached states. */
const MAX_SEARCH_INVOCATIONS = 300;

/** Maximum number of runs for reducing the faults of a problem. */
const MAX_SHRINK_RUNS = 100;

/** Options of {@link simulate}. */
export interface SimulateOptions {
  /**
   * Number of runs: an integer ≥ 1. The seed of a run determines everything in it: services, faults, events and their order.
   *
   * @default 100
   */
  readonly seeds?: number;
  /**
   * The first seed. Each further run uses the next integer.
   *
   * @default 1
   */
  readonly seed?: number;
  /**
   * Number of executions started in each run: an integer ≥ 1.
   *
   * @default 2
   */
  readonly executions?: number;
  /**
   * Creates the initial context of an execution.
   *
   * @default - an empty object
   */
  readonly context?: (machine: string, random: SeededRandom) => JsonObject;
  /**
   * Creates the data of an event that is sent to a parked execution. The event is chosen at random from those that the state handles.
   *
   * @default - no data
   */
  readonly data?: (event: string, random: SeededRandom) => Json | undefined;
  /**
   * The ledger in which the test doubles of the actions record their effects. It is cleared before each run.
   *
   * @default - none: actions that are not idempotent are not detected
   */
  readonly effects?: Effects;
  /**
   * Resets the test doubles before each run.
   *
   * @default - does nothing
   */
  readonly prepare?: () => void;
  /**
   * Verifies the result of a run. Throw an error to report a problem.
   *
   * @default - no verification
   */
  readonly verify?: (workflow: TestWorkflow) => void | Promise<void>;
  /**
   * The faults of all runs. To reproduce a problem, pass its `faults`.
   *
   * @default - determined by each seed
   */
  readonly faults?: readonly FaultRule[];
  /**
   * Maximum number of invocations in one run. If work is left after that, the run is reported as `never ends`.
   *
   * @default 5000
   */
  readonly maxInvocations?: number;
}

/** The result of one run. */
interface RunResult {
  readonly seed: number;
  readonly hits: readonly FaultHit[];
  readonly problems: readonly Pick<SimulationProblem, 'kind' | 'message'>[];
  readonly statuses: readonly ExecutionStatus[];
  readonly story: string;
  /** The entered states, with their machines. */
  readonly reached: readonly string[];
}

/**
 * Runs machines and their actions under all kinds of faults: lost and duplicate messages, services that fail before or after a call takes
 * effect, invocations that crash or freeze between any two calls, clock skew, and events sent by clients.
 *
 * It reports actions that are not idempotent, executions that never end, and states that no run entered. If the seeds left a state out,
 * further runs search for it: they send every event, and make the actions before each catch transition fail. The same seed produces the same
 * run, and each problem is reported with a minimal set of faults that reproduces it.
 *
 * ```ts
 * const effects = new Effects();
 * const report = await simulate(implement(order, actionsWith(effects)), { effects });
 * expect(report.problems).toEqual([]);
 * ```
 *
 * @param implementations a machine with its actions, or several machines that run in one workflow
 * @throws InvalidDefinitionError if a machine has errors
 * @throws TypeError if no machine is given, two machines share a name, or actions are missing
 * @throws RangeError if `seeds` or `executions` is not an integer ≥ 1
 */
export async function simulate(
  implementations: Implementation | readonly Implementation[],
  options: SimulateOptions = {},
): Promise<SimulationReport> {
  const { seeds = 100, seed: first = 1, executions = 2 } = options;
  if (!(Number.isInteger(seeds) && seeds >= 1) || !(Number.isInteger(executions) && executions >= 1)) {
    throw new RangeError(
      `Invalid simulation with ${seeds} seeds and ${executions} executions: both must be integers ≥ 1.`,
    );
  }
  const simulator = new Simulator([implementations].flat(), options);
  const problems = new Map<string, SimulationProblem>();
  const outcomes: Partial<Record<ExecutionStatus, number>> = {};
  const reached = new Set<string>();
  let faults = 0;
  for (let seed = first; seed < first + seeds; seed += 1) {
    const run = await simulator.run(seed);
    faults += run.hits.length;
    run.reached.forEach((state) => reached.add(state));
    run.statuses.forEach((status) => {
      outcomes[status] = (outcomes[status] ?? 0) + 1;
    });
    for (const problem of run.problems) {
      const known = `${problem.kind}: ${problem.message}`;
      if (!problems.has(known)) problems.set(known, await simulator.explain(run, problem));
    }
  }
  const missing = () => simulator.states.filter((state) => !reached.has(state));
  await search(
    simulator.machines,
    () => missing().length === 0,
    async (searchRun) => (await simulator.search(searchRun)).forEach((state) => reached.add(state)),
  );
  const unreached = missing().map((state): SimulationProblem => ({
    kind: 'unreached state',
    message: `No run entered ${state}.`,
  }));
  return new SimulationReport(seeds, outcomes, faults, [...problems.values(), ...unreached]);
}

class Simulator {
  public readonly states: readonly string[];
  public readonly machines: readonly Machine[];
  private readonly actions: readonly string[];

  constructor(
    private readonly implementations: readonly Implementation[],
    private readonly options: SimulateOptions,
  ) {
    this.machines = implementations.map(({ machine }) => normalize(machine));
    this.states = this.machines.flatMap((machine) =>
      Object.keys(machine.states).map((state) => named(machine.name, state)),
    );
    this.actions = [...new Set(implementations.flatMap(({ actions }) => Object.keys(actions)))];
  }

  public async run(seed: number, faults?: readonly FaultRule[]): Promise<RunResult> {
    const random = new SeededRandom(`simulate/${seed}`);
    const scenario = drawScenario(random.fork('scenario'), {
      sources: EVENT_SOURCE_KINDS,
      actions: this.actions,
      calmAfterMs: CALM_AFTER_MS,
    });
    const { effects, verify, prepare } = this.options;
    effects?.clear();
    prepare?.();
    const workflow = this.workflow(seed, scenario, faults ?? this.options.faults ?? scenario.faults);
    const problems: Pick<SimulationProblem, 'kind' | 'message'>[] = [];
    try {
      const clients = random.fork('clients');
      await this.drive(workflow, clients, {
        starts: this.options.executions ?? 2,
        maxInvocations: this.options.maxInvocations ?? 5_000,
        pickMachine: () => clients.pick(this.machines),
        pickEvent: (machine, state) => {
          const events = Object.keys(stateOf(machine, state)?.on ?? {});
          return events.length === 0 ? undefined : clients.pick(events);
        },
      });
      for (const execution of workflow.executions.filter(
        ({ status }) => status === 'running' || status === 'pending',
      )) {
        problems.push({ kind: 'never ends', message: `An execution is stuck in ${placeOf(execution)}.` });
      }
      await verify?.(workflow);
    } catch (error) {
      problems.push(
        error instanceof EndlessRunError
          ? { kind: 'never ends', message: `An execution loops endlessly: ${loopsOf(workflow)}.` }
          : { kind: 'verify', message: error instanceof Error ? error.message : String(error) },
      );
    }
    const repeated = new Set(
      effects?.repeated.map(({ effect, idempotencyKey }) => `"${effect}" by ${actionOf(idempotencyKey)}`),
    );
    problems.push(
      ...[...repeated].map(
        (what) => ({ kind: 'repeated effect', message: `${what} happened twice under one idempotency key.` }) as const,
      ),
    );
    const ran = workflow.executions;
    return {
      seed,
      problems,
      hits: workflow.injectedFaults,
      statuses: ran.map(({ status }) => status),
      story: ran.map(({ story }) => story).join('\n'),
      reached: reachedBy(workflow),
    };
  }

  /** Returns the states that one run of a search enters. Its problems are not reported: no seed would repeat them. */
  public async search({ random, faults, chooseEvent }: SearchRun): Promise<readonly string[]> {
    this.options.effects?.clear();
    this.options.prepare?.();
    const workflow = new TestWorkflow({ implementations: this.implementations, seed: random.seed, faults });
    try {
      await this.drive(workflow, random, {
        starts: Math.max(this.machines.length, this.options.executions ?? 2),
        maxInvocations: Math.min(MAX_SEARCH_INVOCATIONS, this.options.maxInvocations ?? Infinity),
        // The index is within the list, which is not empty.
        pickMachine: (index) => this.machines[index % this.machines.length]!,
        pickEvent: chooseEvent,
      });
    } catch (error) {
      if (!(error instanceof EndlessRunError)) throw error;
    }
    return reachedBy(workflow);
  }

  /** Returns the problem with a minimal set of faults that reproduces it. */
  public async explain(
    { seed, hits }: RunResult,
    problem: Pick<SimulationProblem, 'kind' | 'message'>,
  ): Promise<SimulationProblem> {
    const reproduces = ({ problems }: RunResult) =>
      problems.some(({ kind, message }) => kind === problem.kind && message === problem.message);
    const faults = await shrink<FaultRule>(
      hits,
      async (fewer) => reproduces(await this.run(seed, fewer)),
      MAX_SHRINK_RUNS,
    );
    const { story } = await this.run(seed, faults);
    return { ...problem, seed, faults, story };
  }

  private workflow(seed: number, scenario: Scenario, faults: readonly FaultRule[]): TestWorkflow {
    return new TestWorkflow({ implementations: this.implementations, ...scenario, seed: `simulate/${seed}`, faults });
  }

  /** Starts executions, and sends events to parked executions. */
  private async drive(
    workflow: TestWorkflow,
    random: SeededRandom,
    { starts, maxInvocations, ...pick }: Drive,
  ): Promise<void> {
    const { context, data } = this.options;
    for (let index = 0; index < starts; index += 1) {
      const { name } = pick.pickMachine(index);
      const request = { executionId: `e${index}`, context: context?.(name, random) };
      await callUntilSuccess(workflow, () => workflow.start(name, request));
    }
    await workflow.run({ maxInvocations });
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const parked = workflow.executions.filter(({ status }) => status === 'parked');
      if (parked.length === 0) return;
      for (const execution of parked) {
        const machine = this.machines.find(({ name }) => name === execution.machine);
        const event = machine && pick.pickEvent(machine, execution.state ?? '');
        if (event === undefined) continue;
        const sent = { id: `event-${round}`, data: data?.(event, random) };
        await callUntilSuccess(workflow, () => execution.send(event, sent));
      }
      await workflow.run({ maxInvocations });
    }
  }
}

/** How a run is driven. */
interface Drive {
  readonly starts: number;
  readonly maxInvocations: number;
  readonly pickMachine: (index: number) => Machine;
  readonly pickEvent: (machine: Machine, state: string) => string | undefined;
}

function reachedBy(workflow: TestWorkflow): readonly string[] {
  return workflow.executions.flatMap((execution) =>
    execution.steps.flatMap(({ attempts }) =>
      attempts.flatMap(({ states }) => states.map((state) => named(execution.machine ?? '', state))),
    ),
  );
}

/** Retries a client's call until it succeeds. */
async function callUntilSuccess(workflow: TestWorkflow, call: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await call();
      return;
    } catch (error) {
      if (error instanceof ExecutionEndedError) return;
      // Faults are no longer injected, so the call itself is wrong.
      if (workflow.now.getTime() - VIRTUAL_EPOCH > CALM_AFTER_MS) throw error;
      await workflow.advance({ seconds: 10 });
    }
  }
}

function named(machine: string, state: string): string {
  return `state "${state}" of machine "${machine}"`;
}

function placeOf(execution: TestExecution): string {
  return execution.state === null ? 'no state: it never took its first step' : `state "${execution.state}"`;
}

function loopsOf(workflow: TestWorkflow): string {
  const states = workflow.executions
    .filter(({ status }) => status === 'running')
    .map(({ steps }) => steps.slice(-10).flatMap(({ attempts }) => attempts.flatMap(({ states: entered }) => entered)))
    .map((entered) => [...new Set(entered)].sort());
  return (
    states.map((entered) => `it keeps entering ${entered.map((state) => `"${state}"`).join(', ')}`).join('; ') ||
    'it keeps sending messages'
  );
}

/** Reads the state and the kind of the action from the end of its idempotency key. */
function actionOf(idempotencyKey: string): string {
  const [state, kind] = idempotencyKey.split('/').slice(4).map(decodeURIComponent);
  return `the ${kind} action of state "${state}"`;
}
