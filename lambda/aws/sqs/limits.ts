/** The most bytes of a message, and of all messages of a batch together. @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html */
export const MAX_MESSAGE_BYTES = 1_048_576;

/** The most messages that one SendMessageBatch takes. */
export const MAX_BATCH_ENTRIES = 10;

/** The longest that a message can be delayed, in seconds. */
export const MAX_DELAY_SECONDS = 900;

/** The characters that a message must not have, which are those that XML does not know. Lone surrogates are among them. */
export const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
