/** Bytes reserved in the envelope of a parked execution for the data of the event that wakes it. */
export const MAIL_BYTES = 65_536;

/** Maximum bytes (UTF-8) of the data of one event, as JSON. The rest of {@link MAIL_BYTES} holds names and the key of the mail. */
export const MAX_EVENT_DATA_BYTES = MAIL_BYTES - 4_096;

/** The characters and the length of an incarnation, so that it fits into keys and callback tokens without escaping. */
export const INCARNATION_PATTERN = /^[A-Za-z0-9_-]{1,36}$/;

/** Bytes by which an envelope grows when it is retried, or when a catch transition carries its context on. */
export const GROWTH_BYTES = 8_192;

/** Bytes that a journal entry adds to an envelope or a context. */
export const ENTRY_BYTES = 12_288;

/** Maximum bytes (UTF-8) of a failure, as JSON. It is a part of {@link GROWTH_BYTES} and of {@link ENTRY_BYTES}. */
export const MAX_FAILURE_BYTES = 3_072;

/** Maximum number of JSON values in one context: more than the largest context holds. An object that occurs often counts each time. */
export const MAX_JSON_VALUES = 600_000;

/** Maximum nesting of JSON values. Deeper values are a mistake in an action, and exhaust the stack of the code that reads them. */
export const MAX_JSON_DEPTH = 200;

/** Maximum characters of the name of a machine, state or event, and of the id of an event. */
export const MAX_NAME_LENGTH = 256;
