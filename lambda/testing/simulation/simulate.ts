import { Effects } from './effects';
import { SimulationReport, type SimulationProblem } from './report';
import { drawScenario, EVENT_SOURCE_KINDS, type Scenario } from './scenario';
import { shrink } from './shrink';
import { ExecutionEndedError, type ExecutionStatus } from '../../engine';
import { normalize, stateOf, type Implementation, type Json, type JsonObject, type Machine } from '../../machine';
import type { FaultHit, FaultRule } from '../faults';
import { SeededRandom } from '../seeded-random';
import { EndlessRunError } from '../test-bench';
import type { TestExecution } from '../test-execution';
import { TestWorkflow } from '../test-workflow';
import { VIRTUAL_EPOCH } from '../virtual-clock';

/** Milliseconds after which nothing goes wrong any more. */
const CALM = 300_000;

/** How often parked executions are sent an event before a run is left as it is. */
const ROUNDS = 50;

/** Most runs to find the fewest faults that show a problem. */
const SHRINKING = 100;

/** What a simulation runs, and how often. */
export interface SimulateOptions {
  /**
   * How many runs: an integer ≥ 1. Each is decided by its seed alone: services, faults, events, the order of everything.
   *
   * @default 100
   */
  readonly seeds?: number;
  /**
   * The first seed; the others follow it.
   *
   * @default 1
   */
  readonly seed?: number;
  /**
   * How many executions are started in each run: an integer ≥ 1.
   *
   * @default 2
   */
  readonly executions?: number;
  /**
   * Makes the context that an execution starts with.
   *
   * @default - an empty object
   */
  readonly context?: (machine: string, random: SeededRandom) => JsonObject;
  /**
   * Makes the data of an event that is sent to a parked execution. Which event is sent, chance decides among those that its state handles.
   *
   * @default - no data
   */
  readonly data?: (event: string, random: SeededRandom) => Json | undefined;
  /**
   * The ledger that the actions' stand-ins write into. It is cleared before each run.
   *
   * @default - none: actions that are not idempotent go unnoticed
   */
  readonly effects?: Effects;
  /** Prepares the test's own stand-ins for the next run. */
  readonly prepare?: () => void;
  /** Checks what a run has come to, and throws when something is wrong with it. */
  readonly verify?: (workflow: TestWorkflow) => void | Promise<void>;
  /**
   * What goes wrong, in all runs. For a problem that was found, its own.
   *
   * @default - what each seed says
   */
  readonly faults?: readonly FaultRule[];
  /**
   * Most invocations of one run, after which it is taken to have no end.
   *
   * @default 5000
   */
  readonly maxInvocations?: number;
}

/** What one run came to. */
interface Ran {
  readonly seed: number;
  readonly hits: readonly FaultHit[];
  readonly problems: readonly Pick<SimulationProblem, 'kind' | 'message'>[];
  readonly statuses: readonly ExecutionStatus[];
  readonly story: string;
  /** Machine and state, of each state that was entered. */
  readonly reached: readonly string[];
}

/**
 * Runs machines with their real actions under faults of every kind: lost and repeated messages, services that fail before or after a
 * call took effect, invocations that crash between any two calls or stand still, clocks that differ, events from outside.
 *
 * It reports actions that are not idempotent, executions that never end, and states that no run has reached. The same seed gives the same
 * run, and each problem comes with the fewest faults that show it.
 *
 * ```ts
 * const effects = new Effects();
 * const report = await simulate(implement(order, actionsWith(effects)), { effects });
 * expect(report.problems).toEqual([]);
 * ```
 *
 * @param implementations a machine with its actions, or several that run in one workflow
 * @throws as {@link TestWorkflow} does for machines with errors or without actions
 * @throws RangeError when there is nothing to run
 */
export async function simulate(
  implementations: Implementation | readonly Implementation[],
  options: SimulateOptions = {},
): Promise<SimulationReport> {
  const { seeds = 100, seed: first = 1, executions = 2 } = options;
  if (!(Number.isInteger(seeds) && seeds >= 1) || !(Number.isInteger(executions) && executions >= 1)) {
    throw new RangeError(`A simulation has at least one seed and one execution, but was asked for ${seeds} and ${executions}.`);
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
    run.statuses.forEach((status) => { outcomes[status] = (outcomes[status] ?? 0) + 1; });
    for (const problem of run.problems) {
      const known = `${problem.kind}: ${problem.message}`;
      if (!problems.has(known)) problems.set(known, await simulator.explain(run, problem));
    }
  }
  const unreached = simulator.states.filter((state) => !reached.has(state))
    .map((state): SimulationProblem => ({ kind: 'unreached state', message: `No run has entered ${state}.` }));
  return new SimulationReport(seeds, outcomes, faults, [...problems.values(), ...unreached]);
}

class Simulator {
  public readonly states: readonly string[];
  private readonly machines: readonly Machine[];
  private readonly actions: readonly string[];

  constructor(private readonly implementations: readonly Implementation[], private readonly options: SimulateOptions) {
    this.machines = implementations.map(({ machine }) => normalize(machine));
    this.states = this.machines.flatMap((machine) => Object.keys(machine.states).map((state) => named(machine.name, state)));
    this.actions = [...new Set(implementations.flatMap(({ actions }) => Object.keys(actions)))];
  }

  public async run(seed: number, faults?: readonly FaultRule[]): Promise<Ran> {
    const random = new SeededRandom(`simulate/${seed}`);
    const scenario = drawScenario(random.fork('scenario'), { sources: EVENT_SOURCE_KINDS, actions: this.actions, calm: CALM });
    const { effects, verify, prepare } = this.options;
    effects?.clear();
    prepare?.();
    const workflow = this.workflow(seed, scenario, faults ?? this.options.faults ?? scenario.faults);
    const problems: Pick<SimulationProblem, 'kind' | 'message'>[] = [];
    try {
      await this.live(workflow, random.fork('clients'));
      for (const execution of workflow.executions.filter(({ status }) => status === 'running')) {
        problems.push({ kind: 'never ends', message: `An execution stands still in ${placeOf(execution)}.` });
      }
      await verify?.(workflow);
    } catch (error) {
      problems.push(error instanceof EndlessRunError
        ? { kind: 'never ends', message: `An execution goes on for ever: ${endless(workflow)}.` }
        : { kind: 'verify', message: error instanceof Error ? error.message : String(error) });
    }
    const repeated = new Set(effects?.repeated.map(({ effect, idempotencyKey }) => `"${effect}" by ${actionOf(idempotencyKey)}`));
    problems.push(...[...repeated].map((what) => ({ kind: 'repeated effect', message: `${what} happened twice under one idempotency key.` } as const)));
    const ran = workflow.executions;
    return {
      seed,
      problems,
      hits: workflow.injectedFaults,
      statuses: ran.map(({ status }) => status),
      story: ran.map(({ story }) => story).join('\n'),
      reached: ran.flatMap((execution) => execution.steps.flatMap(({ attempts }) => (
        attempts.flatMap(({ states }) => states.map((state) => named(machineOf(execution, workflow), state)))
      ))),
    };
  }

  /** The same problem with the fewest faults. */
  public async explain({ seed, hits }: Ran, problem: Pick<SimulationProblem, 'kind' | 'message'>): Promise<SimulationProblem> {
    const shows = ({ problems }: Ran) => problems.some(({ kind, message }) => kind === problem.kind && message === problem.message);
    const faults = await shrink<FaultRule>(hits, async (fewer) => shows(await this.run(seed, fewer)), SHRINKING);
    const { story } = await this.run(seed, faults);
    return { ...problem, seed, faults, story };
  }

  private workflow(seed: number, scenario: Scenario, faults: readonly FaultRule[]): TestWorkflow {
    return new TestWorkflow({ implementations: this.implementations, ...scenario, seed: `simulate/${seed}`, faults });
  }

  /** Starts executions, and sends events to those that wait for one. */
  private async live(workflow: TestWorkflow, random: SeededRandom): Promise<void> {
    const { executions = 2, context, data, maxInvocations = 5_000 } = this.options;
    for (let index = 0; index < executions; index += 1) {
      const { name } = random.pick(this.machines);
      const request = { executionId: `e${index}`, context: context?.(name, random) };
      await persist(workflow, () => workflow.start(name, request));
    }
    await workflow.run({ maxInvocations });
    for (let round = 0; round < ROUNDS; round += 1) {
      const parked = workflow.executions.filter(({ status }) => status === 'parked');
      if (parked.length === 0) return;
      for (const execution of parked) {
        const machine = this.machines.find(({ name }) => name === machineOf(execution, workflow));
        const events = machine && Object.keys(stateOf(machine, execution.state ?? '')?.on ?? {});
        if (!events || events.length === 0) continue;
        const event = random.pick(events);
        const sent = { id: `event-${round}`, data: data?.(event, random) };
        await persist(workflow, () => execution.send(event, sent));
      }
      await workflow.run({ maxInvocations });
    }
  }
}

/** What a client does about faults: it tries again until it works. */
async function persist(workflow: TestWorkflow, call: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await call();
      return;
    } catch (error) {
      if (error instanceof ExecutionEndedError) return;
      // When all faults are over, an error is one of the call itself.
      if (workflow.now.getTime() - VIRTUAL_EPOCH > CALM) throw error;
      await workflow.advance({ seconds: 10 });
    }
  }
}

function named(machine: string, state: string): string {
  return `state "${state}" of machine "${machine}"`;
}

function machineOf(execution: TestExecution, workflow: TestWorkflow): string {
  return workflow.bench.recorder.started.find(({ executionId }) => executionId === execution.executionId)?.machine ?? '';
}

function placeOf(execution: TestExecution): string {
  return execution.state === null ? 'no state: it has not begun' : `state "${execution.state}"`;
}

function endless(workflow: TestWorkflow): string {
  const states = workflow.executions.filter(({ status }) => status === 'running')
    .map(({ steps }) => steps.slice(-10).flatMap(({ attempts }) => attempts.flatMap(({ states: entered }) => entered)))
    .map((entered) => [...new Set(entered)].sort());
  return states.map((entered) => `round and round ${entered.map((state) => `"${state}"`).join(', ')}`).join('; ') || 'its messages go round in circles';
}

/** State and kind of the action, which an idempotency key ends with. */
function actionOf(idempotencyKey: string): string {
  const [, , state, kind] = idempotencyKey.split('/');
  return `the ${kind} action of state "${state}"`;
}
