// The types of the keys are those that DynamoDB defines: S is a string, N is a number.

/** The attribute that DynamoDB expires items by: seconds since the epoch. */
export const TTL_ATTRIBUTE = 'ttl';

/**
 * The partition of an execution in a table, or its key in a cache. It contains the name of the workflow, so that workflows may share a
 * store: executions of two workflows may have the same executionId.
 *
 * @param name an executionId, or another name that contains a space, which no executionId does
 */
export function partitionOf(workflow: string, name: string): string {
  // A name of a workflow may contain a slash, and its encoding does not.
  return `${encodeURIComponent(workflow)}/${name}`;
}

/** The executionId in the partition of an execution. */
export function executionIdOf(partition: string): string {
  return partition.slice(partition.indexOf('/') + 1);
}

/** The key of the lock table: see {@link partitionOf}. */
export const LOCK_TABLE_KEY = {
  partitionKey: { name: 'executionId', type: 'S' },
} as const;

/** The key of the checkpoint table: see {@link partitionOf}. */
export const CHECKPOINT_TABLE_KEY = {
  partitionKey: { name: 'executionId', type: 'S' },
  sortKey: { name: 'entry', type: 'S' },
} as const;

/** The key of a DynamoDB retry queue. Its items do not expire, because they are envelopes that wait for their retry. */
export const RETRY_TABLE_KEY = {
  partitionKey: { name: 'shard', type: 'N' },
  sortKey: { name: 'due', type: 'S' },
} as const;

/**
 * The attribute that makes an item of the checkpoint table a message: the event source mapping delivers the items that have it and filters
 * out all others. Its value is the encoded envelope, a string.
 */
export const ENVELOPE_ATTRIBUTE = 'envelope';

/** The changes of the checkpoint table that the event source mapping delivers. */
export const DELIVERED_CHANGES = ['INSERT', 'MODIFY'] as const;
