import type { Envelope } from '../envelope/envelope';
import type { Lock } from '../ports';
import { deathsOf } from '../ports/lock-store';

/** A step whose latest attempt died. Its actions may end the next invocation as well, so it runs alone and after all others. */
export class Suspect {
  /** Number of attempts that died of their own actions. */
  public readonly deaths: number;

  /** @param lock the lock that the latest attempt holds */
  constructor(
    public readonly envelope: Envelope,
    lock: Pick<Lock, 'fence' | 'parent' | 'released' | 'accompanied'>,
  ) {
    this.deaths = deathsOf({ ...lock, fence: lock.fence + 1 });
  }
}
