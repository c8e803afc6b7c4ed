import type { ExecutionStatus } from '../../engine';
import type { FaultRule } from '../faults/faults';

/** A problem found by a simulation. */
export interface SimulationProblem {
  /**
   * - `repeated effect`: an action is not idempotent: an effect happened twice under one idempotency key
   * - `never ends`: an execution loops endlessly, or is stuck in a state
   * - `verify`: the `verify` option threw an error
   * - `unreached state`: no run entered the state
   */
  readonly kind: 'repeated effect' | 'never ends' | 'verify' | 'unreached state';
  /** The problem and its location, in one sentence. */
  readonly message: string;
  /** The first seed that shows the problem; `undefined` for an unreached state. */
  readonly seed?: number;
  /** A minimal set of faults that reproduces the problem: pass them as `faults`, together with the seed. */
  readonly faults?: readonly FaultRule[];
  /** The steps of the executions in that run. */
  readonly story?: string;
}

/** The result of a simulation. */
export class SimulationReport {
  /** @internal created by `simulate` */
  constructor(
    /** The number of runs. */
    public readonly seeds: number,
    /** The number of executions by their final status. */
    public readonly outcomes: Readonly<Partial<Record<ExecutionStatus, number>>>,
    /** The number of injected faults. */
    public readonly faults: number,
    /** The problems found, each reported once. */
    public readonly problems: readonly SimulationProblem[],
  ) {}

  /** Returns the report as text. Use it in the failure message of a test. */
  public toString(): string {
    const outcomes = Object.entries(this.outcomes)
      .map(([status, count]) => `${count} ${status}`)
      .join(', ');
    return [
      `${this.seeds} seeds, ${this.faults} faults; executions: ${outcomes || 'none'}; ${this.problems.length || 'no'} problems`,
      ...this.problems.map(describe),
    ].join('\n\n');
  }
}

function describe({ kind, message, seed, faults = [], story }: SimulationProblem): string {
  return [
    `${kind}: ${message}`,
    ...(seed === undefined
      ? []
      : [
          `reproduce with { seed: ${seed}, seeds: 1, faults: [${faults.map((fault) => JSON.stringify(fault)).join(', ')}] }`,
        ]),
    ...(story ? [story] : []),
  ].join('\n');
}
