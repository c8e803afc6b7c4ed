import type { Clock } from './ports';

/**
 * Knows when all work of an invocation waits for a batch to be sent, so that no batch need be guessed full by a timer alone.
 *
 *     record 1  ──acquire──run──┤ waits ├──────
 *     record 2  ──acquire────────run──┤ waits ├   nobody works any more: send what there is, as one request
 */
export class Rendezvous {
  private working = 0;
  private readonly listeners: (() => void)[] = [];

  /** Calls back whenever nobody works and somebody may wait. */
  public onIdle(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Does a piece of work that may, in turn, wait for batches. */
  public async work<T>(task: () => Promise<T>): Promise<T> {
    this.resume(1);
    try {
      return await task();
    } finally {
      this.pause();
    }
  }

  /** A piece of work waits for a batch from now on. */
  public pause(): void {
    this.working--;
    // Whoever was started in the same turn has not come to work yet.
    if (this.working === 0) queueMicrotask(() => this.callBackIfIdle());
  }

  /** So many pieces of work go on. To be said before the first of them runs, or it would find itself alone and send a batch of one. */
  public resume(pieces: number): void {
    this.working += pieces;
  }

  private callBackIfIdle(): void {
    if (this.working === 0) this.listeners.forEach((listener) => listener());
  }
}

/** What one request takes, and how to make it. */
export interface BatchRequest<Entry, Answer> {
  readonly maxEntries: number;
  readonly maxBytes: number;
  bytesOf(entry: Entry): number;
  /** Answers entry by entry, in order. */
  send(entries: readonly Entry[]): Promise<readonly Answer[]>;
}

/**
 * Joins entries of concurrent records into one request. A batch goes out when it is full, when all work waits for it, and at the
 * latest `linger` milliseconds after its first entry, so that a slow action holds nobody else up.
 */
export class Batcher<Entry, Answer> {
  private waiting: { readonly entry: Entry; readonly resolve: (answer: Answer) => void; readonly reject: (error: unknown) => void }[] = [];
  private bytes = 0;
  private lingering?: AbortController;

  constructor(
    private readonly request: BatchRequest<Entry, Answer>,
    private readonly rendezvous: Rendezvous,
    private readonly clock: Clock,
    private readonly linger: number,
  ) {
    rendezvous.onIdle(() => this.flush());
  }

  /** @returns the answer for this entry; rejects when the whole request did */
  public add(entry: Entry): Promise<Answer> {
    const bytes = this.request.bytesOf(entry);
    if (this.bytes + bytes > this.request.maxBytes) this.flush();
    const answer = new Promise<Answer>((resolve, reject) => this.waiting.push({ entry, resolve, reject }));
    this.bytes += bytes;
    if (this.waiting.length >= this.request.maxEntries) {
      this.flush();
    } else if (this.waiting.length === 1) {
      this.flushLater();
    }
    this.rendezvous.pause();
    return answer;
  }

  private flushLater(): void {
    const lingering = new AbortController();
    this.lingering = lingering;
    void this.clock.sleep(this.linger, lingering.signal).then(() => {
      if (!lingering.signal.aborted) this.flush();
    });
  }

  private flush(): void {
    // With a reason of its own: without one, an error is made, whose stack takes longer than all else here.
    this.lingering?.abort('sent');
    this.lingering = undefined;
    const batch = this.waiting;
    if (batch.length === 0) return;
    this.waiting = [];
    this.bytes = 0;
    this.request.send(batch.map(({ entry }) => entry)).then(
      (answers) => {
        this.rendezvous.resume(batch.length);
        batch.forEach(({ resolve, reject }, index) => {
          const answer = answers[index];
          if (answer === undefined) reject(new Error('The service has not answered for this entry.'));
          else resolve(answer);
        });
      },
      (error: unknown) => {
        this.rendezvous.resume(batch.length);
        batch.forEach(({ reject }) => reject(error));
      },
    );
  }
}
