/** The maximum number of records in one PutRecords. @see https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html */
export const MAX_BATCH_ENTRIES = 500;

/** The default maximum size of a record, including its partition key, in bytes. */
export const MAX_RECORD_BYTES = 1_048_576;

/** The maximum size of a partition key: partition keys are executionIds. */
const PARTITION_KEY_BYTES = 128;

/**
 * The maximum size of the bodies of one PutRecords. Kinesis accepts 10 MiB, including partition keys, but an invocation of Lambda holds at
 * most 6 MB in Base64, and larger requests cost more to retry.
 */
export const MAX_BATCH_BYTES = 5 * 1_048_576 - MAX_BATCH_ENTRIES * PARTITION_KEY_BYTES;

/**
 * The bytes that each record leaves free for its partition key, and for the attributes of its dead letter: the messages of SQS have the same
 * maximum size.
 */
const RESERVED_BYTES = 8_192;

/** The maximum size of an envelope. */
export const MAX_BODY_BYTES = MAX_RECORD_BYTES - RESERVED_BYTES;
