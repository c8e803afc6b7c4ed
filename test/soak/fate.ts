/** What will happen to a parcel. */
export type Fate = 'home' | 'clumsy' | 'abroad' | 'held' | 'lost';

/** How an execution must end: its status. */
export type Ending = 'completed' | 'parked' | 'failed';

/**
 * The fate of the parcel with that number: of fifty, one can never be delivered, one waits in customs for ever, five are released from
 * customs, five are not delivered at the first attempt, and the others just go their way.
 */
export function fateOf(number: number): Fate {
  if (number % 50 === 13) return 'lost';
  if (number % 50 === 7) return 'held';
  if (number % 10 === 1) return 'abroad';
  return number % 10 === 3 ? 'clumsy' : 'home';
}

export function endingOf(fate: Fate): Ending {
  if (fate === 'lost') return 'failed';
  return fate === 'held' ? 'parked' : 'completed';
}
