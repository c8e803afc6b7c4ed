import type { Clock } from '../ports';

/**
 * Detects that all work of an invocation waits for batches, so that a batch is sent immediately instead of after a timer.
 *
 *     record 1  ──acquire──run──┤ waits ├──────
 *     record 2  ──acquire────────run──┤ waits ├   all records wait: send the batch as one request
 */
export class IdleTracker {
  private working = 0;
  private readonly listeners: (() => void)[] = [];

  /** Registers a callback for the moments at which no work runs, but work may be waiting. */
  public onIdle(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Runs a piece of work, which may wait for batches. */
  public async work<T>(task: () => Promise<T>): Promise<T> {
    this.resume(1);
    try {
      return await task();
    } finally {
      this.pause();
    }
  }

  /** Marks one piece of work as waiting for a batch. */
  public pause(): void {
    this.working--;
    // Work that was started in the same turn of the event loop is not counted yet.
    if (this.working === 0) queueMicrotask(() => this.callBackIfIdle());
  }

  /**
   * Marks pieces of work as running. Call it before the first piece runs: otherwise that piece finds no other work, and sends a batch of
   * one.
   */
  public resume(pieces: number): void {
    this.working += pieces;
  }

  private callBackIfIdle(): void {
    if (this.working === 0) this.listeners.forEach((listener) => listener());
  }
}

/** A batch request: its limits, and how to send it. */
export interface BatchRequest<Entry, Answer> {
  readonly maxEntries: number;
  readonly maxBytes: number;
  bytesOf(entry: Entry): number;
  /** Returns the answer of each entry, in order. */
  send(entries: readonly Entry[]): Promise<readonly Answer[]>;
}

/**
 * Joins the entries of concurrent records into one request. A batch is sent when it is full, when all work waits for it, and at the latest
 * `lingerMs` milliseconds after its first entry, so that a slow action does not delay other records.
 */
export class Batcher<Entry, Answer> {
  private waiting: {
    readonly entry: Entry;
    readonly resolve: (answer: Answer) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  private bytes = 0;
  private lingering?: AbortController;

  constructor(
    private readonly request: BatchRequest<Entry, Answer>,
    private readonly idle: IdleTracker,
    private readonly clock: Clock,
    private readonly lingerMs: number,
  ) {
    idle.onIdle(() => this.flush());
  }

  /**
   * Adds an entry to the next request.
   *
   * @returns the answer for this entry
   * @throws the error of the whole request
   */
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
    this.idle.pause();
    return answer;
  }

  private flushLater(): void {
    const lingering = new AbortController();
    this.lingering = lingering;
    void this.clock.sleep(this.lingerMs, lingering.signal).then(() => {
      if (!lingering.signal.aborted) this.flush();
    });
  }

  private flush(): void {
    // With a reason: without one, abort() creates an error, and its stack costs more than everything else here.
    this.lingering?.abort('sent');
    this.lingering = undefined;
    const batch = this.waiting;
    if (batch.length === 0) return;
    this.waiting = [];
    this.bytes = 0;
    this.request.send(batch.map(({ entry }) => entry)).then(
      (answers) => {
        this.idle.resume(batch.length);
        batch.forEach(({ resolve, reject }, index) => {
          const answer = answers[index];
          if (answer === undefined) reject(new Error('The service returned no answer for this entry.'));
          else resolve(answer);
        });
      },
      (error: unknown) => {
        this.idle.resume(batch.length);
        batch.forEach(({ reject }) => reject(error));
      },
    );
  }
}
