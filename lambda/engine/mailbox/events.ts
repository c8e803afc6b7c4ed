import { reachableEvents, type Machine } from '../../machine';

/**
 * Maximum characters of the event names that the lock of a running execution stores. With more, every step of the execution would write
 * another kilobyte.
 */
const MAX_RUNNING = 256;

/** Maximum characters of the event names that the lock of a parked execution stores. */
const MAX_PARKED = 16_384;

/**
 * The events that can still move an execution, for its lock: a client refuses any other event.
 *
 * @param isParked whether the execution is about to park in the state
 * @returns nothing if the names are too long to be stored
 */
export function handledEvents(machine: Machine, state: string, isParked: boolean): readonly string[] | undefined {
  const events = reachableEvents(machine, state);
  const characters = events.reduce((sum, { length }) => sum + length, 0);
  return characters <= (isParked ? MAX_PARKED : MAX_RUNNING) ? events : undefined;
}
