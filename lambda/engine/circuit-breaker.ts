import type { Clock } from './ports';

/** So many requests must fail one after another before a service is taken to be down. */
const THRESHOLD = 3;

/** For how long a service that is down is not asked, in milliseconds: at first, and, doubled with each failed probe, at most. */
const FIRST_PAUSE = 2_000;
const LONGEST_PAUSE = 60_000;

/**
 * Knows whether a service is down, so that an outage does not cost each transition a timeout. It lives in the memory of the invocation
 * environment: each finds out for itself, and forgets when it ends.
 *
 *     closed ── 3 failures ──▶ open ── pause ──▶ one probe ── fails ──▶ open, twice as long
 *        ▲                                           └────── succeeds ──┐
 *        └──────────────────────────────────────────────────────────────┘
 */
export class CircuitBreaker {
  private failures = 0;
  private pause = FIRST_PAUSE;
  private openUntil = 0;

  constructor(private readonly clock: Clock) {}

  /** Whether a request may be made now. While the service is down, that is one probe after each pause. */
  public admits(): boolean {
    if (this.failures < THRESHOLD) return true;
    const now = this.clock.now();
    if (now < this.openUntil) return false;
    // The others keep waiting until the probe has come back, or as long again.
    this.openUntil = now + this.pause;
    return true;
  }

  /** What came of a request. */
  public report(succeeded: boolean): void {
    if (succeeded) {
      this.failures = 0;
      this.pause = FIRST_PAUSE;
      return;
    }
    this.failures += 1;
    if (this.failures < THRESHOLD) return;
    if (this.failures > THRESHOLD) this.pause = Math.min(LONGEST_PAUSE, this.pause * 2);
    this.openUntil = this.clock.now() + this.pause;
  }
}
