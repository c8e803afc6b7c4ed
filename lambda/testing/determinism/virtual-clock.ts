import { setImmediate } from './real-timers';
import type { Clock } from '../../engine';

/** The start of virtual time, in milliseconds since the epoch: 2030-01-01T00:00:00Z. It is fixed so that runs can be repeated. */
export const VIRTUAL_EPOCH = Date.UTC(2030, 0, 1);

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/**
 * A clock that stands still until it is advanced, and then jumps to the next timer: waiting for an hour takes no real time.
 *
 * Code that awaits a promise does not continue at the moment the promise resolves. So the driver of the clock alternates: let all code run
 * that can ({@link settle}), then jump to the next timer.
 */
export class VirtualClock implements Clock {
  private time: number;
  /** Latest first, so that the next timer is popped off the end. */
  private readonly timers: Timer[] = [];

  /** @param start the initial time, in milliseconds since the epoch */
  constructor(start: number = VIRTUAL_EPOCH) {
    this.time = start;
  }

  public now(): number {
    return this.time;
  }

  /** The due time of the next timer, in milliseconds since the epoch; `undefined` if there is none. */
  public get nextTimer(): number | undefined {
    return this.timers.at(-1)?.at;
  }

  public sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) {
        resolve();
        return;
      }
      const cancel = this.schedule(this.time + milliseconds, () => {
        signal?.removeEventListener('abort', wake);
        resolve();
      });
      const wake = () => {
        cancel();
        resolve();
      };
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  /**
   * Calls `fire` when the clock reaches `time`, or at the next jump if `time` is in the past. Timers that are due at the same time fire in
   * the order in which they were set. The clock has a resolution of one millisecond: fractions are rounded up.
   *
   * @returns a function that cancels the timer
   */
  public schedule(time: number, fire: () => void): () => void {
    const at = Math.ceil(time);
    if (Number.isNaN(at)) {
      throw new RangeError('Invalid timer: expected a time in milliseconds since the epoch, not NaN.');
    }
    const timer: Timer = { at, fire };
    const place = this.timers.findIndex((other) => other.at <= at);
    this.timers.splice(place < 0 ? this.timers.length : place, 0, timer);
    return () => {
      const index = this.timers.indexOf(timer);
      if (index >= 0) {
        this.timers.splice(index, 1);
      }
    };
  }

  /**
   * Jumps to the next timer, or to `limit` if that is earlier, and fires all timers that are due.
   *
   * @returns whether a timer fired
   */
  public jump(limit: number = Infinity): boolean {
    const next = this.nextTimer;
    if (next === undefined || next > limit) {
      if (limit !== Infinity) {
        this.time = Math.max(this.time, limit);
      }
      return false;
    }
    this.time = Math.max(this.time, next);
    for (let timer = this.timers.at(-1); timer && timer.at <= this.time; timer = this.timers.at(-1)) {
      this.timers.pop();
      timer.fire();
    }
    return true;
  }
}

/** Resolves when all code has run that awaits only other promises: Node.js drains the microtask queue before the next turn of its event loop. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
