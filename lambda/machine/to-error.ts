/**
 * Returns a thrown error unchanged, and any other value as an error that shows it.
 *
 * For values that services and this library throw. Actions may throw anything, which the engine reads with more care.
 */
export function toError(thrown: unknown): Error {
  return isError(thrown) ? thrown : new Error(String(thrown));
}

/** Whether a value is an error of this realm or of another one, such as the one outside of the sandbox of a test runner. */
function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}
