import type { TableConfiguration } from '../../contract/configuration';

/** A table as one workflow uses it: see {@link partitionOf}. */
export interface WorkflowTable extends Omit<TableConfiguration, 'service'> {
  /** The name of the workflow. */
  readonly workflow: string;
}
