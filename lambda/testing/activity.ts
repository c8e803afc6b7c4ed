import { AsyncLocalStorage } from 'node:async_hooks';

interface Piece {
  /** How many of its own virtual sleeps it waits for. */
  asleep: number;
}

/**
 * Knows whether code is at work that virtual time must wait for.
 *
 * What only awaits the ports in memory is done by the next turn of Node's loop. The actions of users may do anything, though: read a
 * file, ask a server, set a timer. While one of them is at work, virtual time stands still; while it sleeps by the virtual clock, it
 * does not hold time up.
 */
export class Activity {
  private readonly pieces = new Set<Piece>();
  private readonly current = new AsyncLocalStorage<Piece>();
  private changed: () => void = () => undefined;

  /** Whether something is at work that does not sleep. */
  public get busy(): boolean {
    return [...this.pieces].some((piece) => piece.asleep === 0);
  }

  /** Does a piece of work that virtual time waits for. */
  public async work<T>(task: () => Promise<T> | T): Promise<T> {
    const piece: Piece = { asleep: 0 };
    this.pieces.add(piece);
    try {
      return await this.current.run(piece, async () => task());
    } finally {
      this.pieces.delete(piece);
      this.changed();
    }
  }

  /** Waits, within a piece of work or outside, for something that comes about only by virtual time. */
  public async sleep(sleep: () => Promise<void>): Promise<void> {
    const piece = this.current.getStore();
    if (!piece) {
      return sleep();
    }
    piece.asleep += 1;
    this.changed();
    try {
      return await sleep();
    } finally {
      piece.asleep -= 1;
    }
  }

  /**
   * Resolves when something at work has ended or gone to sleep, or that many real milliseconds are over. What is still at work then hangs:
   * it is not waited for any more.
   */
  public async pause(milliseconds: number): Promise<void> {
    const ended = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), milliseconds);
      this.changed = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
    this.changed = () => undefined;
    if (!ended) {
      this.pieces.clear();
    }
  }
}
