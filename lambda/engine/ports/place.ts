/** The location of a message: sufficient to find it, and on a stream to read it again. */
export interface Place {
  readonly service: string;
  /** Name or URL of the queue, stream, topic or table. */
  readonly resource: string;
  /** Message id, or the key of the item in a table. */
  readonly messageId?: string;
  readonly shard?: string;
  readonly sequenceNumber?: string;
}
