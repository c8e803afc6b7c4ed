/** The most messages that one PublishBatch takes. @see https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html */
export const MAX_BATCH_ENTRIES = 10;

/** The most bytes of a message, and of all messages of a batch together, unless a topic is told to take more. */
export const MAX_MESSAGE_BYTES = 262_144;
