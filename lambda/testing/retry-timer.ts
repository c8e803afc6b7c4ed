import type { DueTable } from './in-memory-retry-table';
import type { TestFunction } from './test-function';
import type { VirtualClock } from './virtual-clock';

const MINUTE = 60_000;

/** Calls the function every minute to send on what falls due in a table. The minutes in which nothing does are left out. */
export class RetryTimer {
  private last = -Infinity;

  /** @param queue number of the table among the retry queues */
  constructor(
    private readonly table: Pick<DueTable, 'nextAt'>,
    private readonly queue: number,
    private readonly testFunction: TestFunction,
    private readonly clock: VirtualClock,
  ) {}

  /** The next minute in which something is due, in milliseconds since the epoch. */
  public get nextAt(): number | undefined {
    const due = this.table.nextAt;
    const now = this.clock.now();
    if (due === undefined) {
      return undefined;
    }
    return Math.max(Math.floor(due / MINUTE) * MINUTE, Math.ceil(now / MINUTE) * MINUTE, this.last + MINUTE);
  }

  /**
   * Calls the function, if it is time.
   *
   * @param failed told of an invocation that threw
   * @returns whether it was
   */
  public poll(failed: (error: unknown) => void): boolean {
    const now = this.clock.now();
    if (this.nextAt === undefined || this.nextAt > now) {
      return false;
    }
    this.last = now;
    this.testFunction.sendDue(this.queue, now + MINUTE).catch(failed);
    return true;
  }
}
