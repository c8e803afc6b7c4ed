/**
 * Returns the shard of an execution, from 0 to `shards - 1`: always the same one, and spread evenly for ids of any form.
 *
 * @see http://www.isthe.com/chongo/tech/comp/fnv/ for the hash function, FNV-1a
 */
export function shardOf(executionId: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < executionId.length; index += 1) {
    hash = Math.imul(hash ^ executionId.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % shards;
}
