/** The most bytes of a message, and of all messages of a batch together. @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html */
export const MAX_MESSAGE_BYTES = 1_048_576;

/** The most messages that one SendMessageBatch takes. */
export const MAX_BATCH_ENTRIES = 10;

/** The longest that a message can be delayed, in seconds. */
export const MAX_DELAY_SECONDS = 900;

/** The characters that a message must not have, which are those that XML does not know. */
export const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\p{Surrogate}]/u;

/**
 * Bytes of a message that are kept free in every envelope, so that it has room in a dead-letter queue together with what is known of it
 * there.
 */
const RESERVED_BYTES = 8_192;

/** The most bytes of an envelope. */
export const MAX_BODY_BYTES = MAX_MESSAGE_BYTES - RESERVED_BYTES;
