import type { Clock } from '../ports';

/** Smallest difference between two clocks that is corrected, in milliseconds. Services tell their time in whole seconds, and late. */
const MIN_CORRECTION_MS = 60_000;

/**
 * The clock of the services, on a machine whose own clock may be wrong by any time. A client writes times by which its services expire
 * records, and by which other clients and the function compare them:
 *
 *     own clock, 40 days behind   ── sends an event ── its id is remembered for 30 days, until 10 days ago: it counts twice
 *     clock of the services       ── sends an event ── its id is remembered for 30 days
 */
export class ServiceClock implements Clock {
  private ahead = 0;

  /** @param own the clock of this machine */
  constructor(private readonly own: Clock) {}

  public now(): number {
    return this.own.now() - this.ahead;
  }

  public sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return this.own.sleep(milliseconds, signal);
  }

  /**
   * Learns the time of a service from its response.
   *
   * @param now the time of the response, in milliseconds since the epoch
   */
  public observe(now: number): void {
    const ahead = this.own.now() - now;
    this.ahead = Math.abs(ahead) < MIN_CORRECTION_MS ? 0 : ahead;
  }
}
