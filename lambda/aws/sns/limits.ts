/** The maximum number of messages in one PublishBatch. @see https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html */
export const MAX_BATCH_ENTRIES = 10;

/** The default maximum size of a message, and of all messages of a batch together, in bytes. */
export const MAX_MESSAGE_BYTES = 262_144;
