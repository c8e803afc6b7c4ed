/** The used memory of an execution environment, right after garbage collection. */
export interface HeapSample {
  /** Id of the execution environment. */
  readonly environment: string;
  /** Number of actions that have run in it. */
  readonly actions: number;
  readonly bytes: number;
}

/** Prefix of log lines that contain a sample. */
export const HEAP_PREFIX = 'heap: ';

/** Growth of an environment's memory with the number of its actions. */
export interface Growth {
  readonly environment: string;
  /** Bytes for each action, and the standard error of this value. */
  readonly bytes: number;
  readonly error: number;
  /** Bytes in total. */
  readonly total: number;
}

/** Fewer samples show no trend. */
const MIN_SAMPLES = 10;

/** Fits a line (least squares) to the samples of each environment that has enough of them. */
export function growthOf(samples: readonly HeapSample[]): Growth[] {
  return [...new Set(samples.map(({ environment }) => environment))].flatMap((environment) => {
    const own = samples.filter((sample) => sample.environment === environment);
    if (own.length < MIN_SAMPLES) return [];
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
