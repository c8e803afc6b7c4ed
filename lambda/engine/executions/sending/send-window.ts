/** The number of requests in flight at the beginning of a call, and the maximum. */
const FIRST_REQUESTS = 2;
const MAX_REQUESTS = 16;

/** Part of a request by which an accepted request widens the window. */
const GROWTH = 0.5;

/**
 * Bounds the envelopes that one call has in flight, measured in requests: an envelope takes the part of a request that it fills. The window
 * widens while the service accepts envelopes, and halves when the service throttles.
 *
 *     requests   2 ── accepted ── 3 ── … ── 16 ── throttled ── 8 ── accepted ── 9 …
 */
export class SendWindow {
  private size = FIRST_REQUESTS;
  private taken = 0;
  private envelopes = 0;
  private narrowedAt = Number.NEGATIVE_INFINITY;
  private waiting?: { readonly isMet: () => boolean; readonly resolve: () => void };

  /** Whether an envelope of this share has room now. An empty window has room for any envelope. */
  public hasRoom(share: number): boolean {
    return this.envelopes === 0 || this.taken + share <= this.size;
  }

  /** Resolves when a whole request has room: single envelopes would go out in requests of their own. */
  public room(): Promise<void> {
    return this.until(() => this.hasRoom(1));
  }

  /** Resolves when no envelope is in flight. */
  public empty(): Promise<void> {
    return this.until(() => this.envelopes === 0);
  }

  public enter(share: number): void {
    this.envelopes += 1;
    this.taken += share;
  }

  public leave(share: number): void {
    this.envelopes -= 1;
    // The sum of the shares is exact only if it begins again from 0.
    this.taken = this.envelopes === 0 ? 0 : this.taken - share;
    if (!this.waiting?.isMet()) return;
    const { resolve } = this.waiting;
    this.waiting = undefined;
    resolve();
  }

  public widen(share: number): void {
    this.size = Math.min(MAX_REQUESTS, this.size + share * GROWTH);
  }

  /** All envelopes of a throttled request narrow the window once. */
  public narrow(now: number): void {
    if (now < this.narrowedAt + 100) return;
    this.narrowedAt = now;
    this.size = Math.max(1, this.size / 2);
  }

  private async until(isMet: () => boolean): Promise<void> {
    if (!isMet()) await new Promise<void>((resolve) => (this.waiting = { isMet, resolve }));
  }
}
