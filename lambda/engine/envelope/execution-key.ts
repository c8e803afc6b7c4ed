/**
 * Identifies one execution for good. An executionId may be used again after the record of an ended execution has expired; each execution
 * has an incarnation of its own, so nothing that an earlier one has left behind touches a later one.
 */
export interface ExecutionKey {
  readonly executionId: string;
  /** Random name that is made with the start of the execution. */
  readonly incarnation: string;
}
