/** An execution that counts against the concurrency limit of its machine. */
export interface RunningExecution {
  readonly executionId: string;
  /** The largest fence token that the execution had before: 0 at its start. */
  readonly fence: number;
  /** Milliseconds since the epoch by which the invocation that begins it must have ended. */
  readonly expires: number;
}

/** Counts running executions by their ids, in groups. Each change is ONE atomic operation of the store, and may be repeated. */
export interface RunningExecutions {
  /**
   * Lists the counted executions of groups, in the order of the groups. Sees every change that was answered before. Reads each group at
   * another moment.
   */
  read(groups: readonly string[]): Promise<readonly (readonly RunningExecution[])[]>;
  /**
   * Counts an execution in a group, unless `capacity` other executions are counted. An execution that is counted already stays so; of its
   * two records, the one with the larger fence is kept, or else the later one.
   *
   * @returns whether the execution is counted
   */
  enter(group: string, capacity: number, execution: RunningExecution): Promise<boolean>;
  /**
   * Stops counting an execution, if its record has a fence smaller than `fence` and, if `expires` is given, that expiry or an earlier one.
   *
   * @returns whether the group counted the execution before
   */
  leave(group: string, executionId: string, fence: number, expires?: number): Promise<boolean>;
}
