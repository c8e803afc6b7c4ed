import type { Clock } from '../engine';

/** Where virtual time starts unless told otherwise: the same moment in every run, so that a run can be repeated. */
export const VIRTUAL_EPOCH = Date.UTC(2030, 0, 1);

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/**
 * A clock that stands still until it is told to go on, and then jumps: an hour of waiting takes no time.
 *
 * Nothing that awaits a promise has moved on at once when the promise is resolved, so whoever drives the clock alternates:
 * let everything that can run do so ({@link settle}), then jump to the next timer.
 */
export class VirtualClock implements Clock {
  private time: number;
  /** Latest first, so that the next one is taken off the end. */
  private readonly timers: Timer[] = [];

  /** @param start milliseconds since the epoch at which the clock stands first */
  constructor(start: number = VIRTUAL_EPOCH) {
    this.time = start;
  }

  public now(): number {
    return this.time;
  }

  /** When the next timer is due, in milliseconds since the epoch; `undefined` when none is set. */
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
   * Calls `fire` when the clock reaches `time`; at its next move when that is past. Timers of the same moment fire in the order in which
   * they were set. The clock shows whole milliseconds, as any does, so a fraction is waited for to its end.
   * @returns takes the timer back
   */
  public schedule(time: number, fire: () => void): () => void {
    const at = Math.ceil(time);
    if (Number.isNaN(at)) {
      throw new RangeError('A timer needs a time, but was set for NaN.');
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
   * Jumps to the next timer, or to `limit` when that comes first, and fires every timer that is due then.
   * @returns whether a timer has fired
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

/** Resolves when everything that waits for nothing but other promises has run: Node drains its promises before it begins the next turn. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
