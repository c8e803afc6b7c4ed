import type { Clock } from '../ports';

/** Number of consecutive failures after which a service counts as down. */
const FAILURE_THRESHOLD = 3;

/** Duration of the first pause and of the longest pause. Each failed probe doubles the pause. */
const FIRST_PAUSE_MS = 2_000;
const MAX_PAUSE_MS = 60_000;

/**
 * Detects that a service is down, so that an outage does not cost a timeout for each transition. Its state lives in the memory of one
 * execution environment: each environment detects the outage itself, and forgets it when it ends.
 *
 *     closed ── 3 failures ──▶ open ── pause ──▶ one probe ── fails ──▶ open, twice as long
 *        ▲                                           └────── succeeds ──┐
 *        └──────────────────────────────────────────────────────────────┘
 */
export class CircuitBreaker {
  private failures = 0;
  private pauseMs = FIRST_PAUSE_MS;
  private openUntil = 0;

  constructor(private readonly clock: Clock) {}

  /** Whether a request may be made now: while the service is down, one probe after each pause. */
  public admits(): boolean {
    if (this.failures < FAILURE_THRESHOLD) return true;
    const now = this.clock.now();
    if (now < this.openUntil) return false;
    // Further requests wait for the result of the probe, but at most for another pause.
    this.openUntil = now + this.pauseMs;
    return true;
  }

  /** Records the result of a request. */
  public report(succeeded: boolean): void {
    if (succeeded) {
      this.failures = 0;
      this.pauseMs = FIRST_PAUSE_MS;
      return;
    }
    this.failures += 1;
    if (this.failures < FAILURE_THRESHOLD) return;
    if (this.failures > FAILURE_THRESHOLD) this.pauseMs = Math.min(MAX_PAUSE_MS, this.pauseMs * 2);
    this.openUntil = this.clock.now() + this.pauseMs;
  }
}
