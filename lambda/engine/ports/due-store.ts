/** An envelope that waits in a store that does not deliver it. */
export interface Due {
  /** Identifies the entry in its store. */
  readonly key: string;
  readonly body: string;
  /** Milliseconds since the epoch at which it is due. */
  readonly at: number;
}

/** A retry queue that a timer must poll for due envelopes: a table. */
export interface DueStore {
  /** The number of parts of the store, which are read independently. */
  readonly shards: number;
  /**
   * Lists the envelopes of a shard that are due by then, earliest first. A page is small enough to be processed while all shards are read
   * at the same time.
   *
   * @param shard from 0 to `shards - 1`
   */
  due(until: number, shard: number): AsyncIterable<readonly Due[]>;
  /** Removes envelopes that were sent on, unless they were stored again in the meantime. An entry that cannot be removed stays due. */
  remove(due: readonly Due[]): Promise<void>;
}
