import type { Machine } from './definition';
import { FsmError } from './fsm-error';
import { enumerate } from './problem';
import { quote } from './quote';

/** A machine has no state of this name. */
export class UnknownStateError extends FsmError {
  /** Name of this class. */
  public override readonly name = 'UnknownStateError';
  /** Identifies this class. */
  public override readonly code = 'UNKNOWN_STATE';
  /** Name of the machine. */
  public readonly machine: string;
  /** Name of the state that does not exist. */
  public readonly state: string;

  constructor(machine: Machine, state: string) {
    const states = enumerate(Object.keys(machine.states), 'or');
    super(`Machine ${quote(machine.name)} has no state ${quote(state)}: expected ${states}.`);
    this.machine = machine.name;
    this.state = state;
  }
}

/** A state has no transition for this event. */
export class UnhandledEventError extends FsmError {
  /** Name of this class. */
  public override readonly name = 'UnhandledEventError';
  /** Identifies this class. */
  public override readonly code = 'UNHANDLED_EVENT';
  /** Name of the machine. */
  public readonly machine: string;
  /** Name of the state, or `null` before the start. */
  public readonly state: string | null;
  /** Name of the event. */
  public readonly event: string;
  /** The events that the state handles. */
  public readonly expected: readonly string[];

  /**
   * @param state name of the state, or `null` before the start
   * @param expected the events that the state handles
   */
  constructor(machine: Machine, state: string | null, event: string, expected: readonly string[]) {
    const subject = state === null ? 'cannot start with' : `has no transition for`;
    const where = state === null ? '' : ` in state ${quote(state)}`;
    super(
      `Machine ${quote(machine.name)} ${subject} event ${quote(event)}${where}: ` +
        (expected.length > 0 ? `expected ${enumerate(expected, 'or')}.` : 'the state handles no events.'),
    );
    this.machine = machine.name;
    this.state = state;
    this.event = event;
    this.expected = expected;
  }
}
