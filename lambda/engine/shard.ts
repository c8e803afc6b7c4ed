/**
 * Spreads executions over shards: evenly, whatever their ids look like (FNV-1a), and the same one always to the same shard.
 *
 * @returns 0 to `shards - 1`
 */
export function shardOf(executionId: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < executionId.length; index += 1) hash = Math.imul(hash ^ executionId.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % shards;
}
