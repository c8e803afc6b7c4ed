/** The fate of a parcel. */
export type Fate = 'home' | 'clumsy' | 'abroad' | 'held' | 'lost';

/** The expected final status of an execution. */
export type Ending = 'completed' | 'parked' | 'failed';

/**
 * Returns the fate of a parcel. Of 50 parcels, one cannot be delivered, one waits in customs forever, five are released from customs, five
 * are delivered at the second attempt, and the others are delivered without trouble.
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
