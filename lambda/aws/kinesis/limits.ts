/** The most records that one PutRecords takes. @see https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html */
export const MAX_BATCH_ENTRIES = 500;

/** The most bytes of a record, its partition key included, unless a stream is told to take more. */
export const MAX_RECORD_BYTES = 1_048_576;

/** An executionId, which is the partition key, has at most so many bytes. */
const PARTITION_KEY_BYTES = 128;

/**
 * The most bytes of the bodies of one PutRecords. Kinesis takes 10 MiB, partition keys included, but an invocation of Lambda no more than
 * 6 MB, as Base64: larger requests would only be larger to repeat.
 */
export const MAX_BATCH_BYTES = 5 * 1_048_576 - MAX_BATCH_ENTRIES * PARTITION_KEY_BYTES;

/**
 * Bytes of a record that are kept free for its partition key, and so that it has room as a dead letter in a queue of SQS, whose messages
 * are as large, together with what is known of it there.
 */
const RESERVED_BYTES = 8_192;

/** The most bytes of an envelope. */
export const MAX_BODY_BYTES = MAX_RECORD_BYTES - RESERVED_BYTES;
