/** Returns the reason of the dead letter for a message that is not an envelope. */
export function invalidEnvelope(problems: readonly string[]): string {
  return `The message is not a valid envelope: ${problems.join('; ')}.`;
}
