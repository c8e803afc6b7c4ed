import type { MeasureName, MetricName } from '../../contract/metrics';

export type { MeasureName, MetricName };

/** Counts and measures what the engine does. */
export interface Metrics {
  /** Adds one to a counter. `machine` and `state` are names of the definition, never values of a payload. */
  count(name: MetricName, machine?: string, state?: string): void;
  /** Adds a measured value; `machine` and `state` as for `count`. */
  measure(name: MeasureName, milliseconds: number, machine?: string, state?: string): void;
  /** Writes everything since the last flush. Never rejects: values that cannot be written are lost. */
  flush(): Promise<void>;
}
