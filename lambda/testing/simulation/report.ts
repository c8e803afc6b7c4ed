import type { ExecutionStatus } from '../../engine';
import type { FaultRule } from '../faults';

/** Something that the simulation found. */
export interface SimulationProblem {
  /**
   * - `repeated effect`: an action is not idempotent: something happened twice under one idempotency key
   * - `never ends`: an execution goes on and on, or has stopped without an end
   * - `verify`: the test's own check failed
   * - `unreached state`: no run has entered the state
   */
  readonly kind: 'repeated effect' | 'never ends' | 'verify' | 'unreached state';
  /** One sentence: what was found, where. */
  readonly message: string;
  /** The first seed that shows it; absent for what no seed has reached. */
  readonly seed?: number;
  /** The fewest faults that are needed to show it: with them as `faults` and the seed, it is shown again. */
  readonly faults?: readonly FaultRule[];
  /** What the executions did in that run, step by step. */
  readonly story?: string;
}

/** What a simulation has found. */
export class SimulationReport {
  /** @internal made by `simulate` */
  constructor(
    /** How many seeds were run. */
    public readonly seeds: number,
    /** How many executions came to which status. */
    public readonly outcomes: Readonly<Partial<Record<ExecutionStatus, number>>>,
    /** How many faults were injected. */
    public readonly faults: number,
    /** All that was found, each kind of thing once. */
    public readonly problems: readonly SimulationProblem[],
  ) {}

  /** The report as text, for the message of a test or to read. */
  public toString(): string {
    const outcomes = Object.entries(this.outcomes).map(([status, count]) => `${count} ${status}`).join(', ');
    return [
      `${this.seeds} seeds, ${this.faults} faults; executions: ${outcomes || 'none'}; ${this.problems.length || 'no'} problems`,
      ...this.problems.map(describe),
    ].join('\n\n');
  }
}

function describe({ kind, message, seed, faults = [], story }: SimulationProblem): string {
  return [
    `${kind}: ${message}`,
    ...(seed === undefined ? [] : [`again with { seed: ${seed}, seeds: 1, faults: [${faults.map((fault) => JSON.stringify(fault)).join(', ')}] }`]),
    ...(story ? [story] : []),
  ].join('\n');
}
