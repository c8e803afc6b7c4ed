/** The maximum size of a message, and of all messages of a batch together, in bytes. @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html */
export const MAX_MESSAGE_BYTES = 1_048_576;

/** The maximum number of messages in one SendMessageBatch. */
export const MAX_BATCH_ENTRIES = 10;

/** The maximum delay of a message. */
export const MAX_DELAY_SECONDS = 900;

/** The maximum visibility timeout of a message. */
export const MAX_VISIBILITY_SECONDS = 43_200;

/** The characters that SQS rejects: those that XML does not allow. */
export const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\p{Surrogate}]/u;

/** The bytes that each envelope leaves free, so that it fits into a dead-letter queue together with the attributes of the dead letter. */
const RESERVED_BYTES = 8_192;

/** The maximum size of an envelope. */
export const MAX_BODY_BYTES = MAX_MESSAGE_BYTES - RESERVED_BYTES;
