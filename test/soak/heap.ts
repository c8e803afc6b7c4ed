/** The memory of an execution environment that is in use, right after a collection. */
export interface HeapSample {
  readonly environment: string;
  /** How many actions have run in it. */
  readonly actions: number;
  readonly bytes: number;
}

/** What the lines of output begin with that hold a sample. */
export const HEAP_PREFIX = 'heap: ';

/** How the memory of an environment grows with what it does. */
export interface Growth {
  readonly environment: string;
  /** Bytes for each action, and the standard error of that. */
  readonly bytes: number;
  readonly error: number;
  /** Bytes over all of the time. */
  readonly total: number;
}

/** Fewer tell nothing. */
const FEWEST_SAMPLES = 10;

/** Draws a straight line (least squares) through the samples of each environment that has enough of them. */
export function growthOf(samples: readonly HeapSample[]): Growth[] {
  return [...new Set(samples.map(({ environment }) => environment))].flatMap((environment) => {
    const own = samples.filter((sample) => sample.environment === environment);
    if (own.length < FEWEST_SAMPLES) return [];
    const meanActions = mean(own.map(({ actions }) => actions));
    const meanBytes = mean(own.map(({ bytes }) => bytes));
    const spread = sum(own.map(({ actions }) => (actions - meanActions) ** 2));
    const bytes = sum(own.map((each) => (each.actions - meanActions) * (each.bytes - meanBytes))) / spread;
    const residue = sum(own.map((each) => (each.bytes - meanBytes - bytes * (each.actions - meanActions)) ** 2));
    const actions = Math.max(...own.map((each) => each.actions)) - Math.min(...own.map((each) => each.actions));
    return [{ environment, bytes, error: Math.sqrt(residue / (own.length - 2) / spread), total: bytes * actions }];
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
