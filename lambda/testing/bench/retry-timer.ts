import type { SimulatedFunction } from './simulated-function';
import type { VirtualClock } from '../determinism/virtual-clock';
import type { DueTable } from '../services/in-memory-retry-table';

const MINUTE_MS = 60_000;

/** Invokes the function every minute to send the envelopes that fall due in a table. It skips minutes without due envelopes. */
export class RetryTimer {
  private last = -Infinity;

  /** @param queue the index of the table among the retry queues */
  constructor(
    private readonly table: Pick<DueTable, 'nextAt'>,
    private readonly queue: number,
    private readonly target: SimulatedFunction,
    private readonly clock: VirtualClock,
  ) {}

  /** The next minute in which an envelope is due, in milliseconds since the epoch; `undefined` if the table is empty. */
  public get nextAt(): number | undefined {
    const due = this.table.nextAt;
    const now = this.clock.now();
    if (due === undefined) {
      return undefined;
    }
    return Math.max(
      Math.floor(due / MINUTE_MS) * MINUTE_MS,
      Math.ceil(now / MINUTE_MS) * MINUTE_MS,
      this.last + MINUTE_MS,
    );
  }

  /**
   * Invokes the function if it is time.
   *
   * @param onError called if the invocation throws
   * @returns whether the function was invoked
   */
  public poll(onError: (error: unknown) => void): boolean {
    const now = this.clock.now();
    if (this.nextAt === undefined || this.nextAt > now) {
      return false;
    }
    this.last = now;
    this.target.sendDue(this.queue, now + MINUTE_MS).catch(onError);
    return true;
  }
}
