import type { Machine } from './definition';

/** A machine was asked about a state that it does not have. */
export class UnknownStateError extends Error {
  public override readonly name = 'UnknownStateError';
  public readonly machine: string;

  constructor(machine: Machine, public readonly state: string) {
    super(`Machine "${machine.name}" has no state "${state}". It has: ${list(Object.keys(machine.states))}.`);
    this.machine = machine.name;
  }
}

/** A state got an event that it has no transition for. */
export class UnhandledEventError extends Error {
  public override readonly name = 'UnhandledEventError';
  public readonly machine: string;

  /**
   * @param state the state, `null` before the start
   * @param expected the events that would do
   */
  constructor(
    machine: Machine,
    public readonly state: string | null,
    public readonly event: string,
    public readonly expected: readonly string[],
  ) {
    const where = state === null ? 'before its first state' : `in state "${state}"`;
    super(`Machine "${machine.name}" has no transition for event "${event}" ${where}. ` +
      (expected.length > 0 ? `These would do: ${list(expected)}.` : 'The state handles no events.'));
    this.machine = machine.name;
  }
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
