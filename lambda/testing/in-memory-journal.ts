import type { Checkpoint, Clock, Journal } from '../engine';

const MAX_ITEM_BYTES = 400 * 1024;

/** Options of {@link InMemoryJournal}. */
export interface InMemoryJournalOptions {
  /** Tells when an entry has outlived its retention. */
  readonly clock: Clock;
  /**
   * Milliseconds after which an entry is forgotten, unless it is of an execution that parked or failed there.
   *
   * @default Infinity
   */
  readonly retention?: number;
}

interface Entry {
  readonly step: number;
  readonly fence: number;
  /** Kept as text: what was written can be changed by nobody who still holds the object. */
  readonly text: string;
  readonly forgetAt: number;
}

/** A {@link Journal} in memory, with the limits of a DynamoDB table. */
export class InMemoryJournal implements Journal {
  public readonly maxBatchEntries = 25;
  public readonly maxEntryBytes = MAX_ITEM_BYTES;
  private readonly executions = new Map<string, Map<string, Entry>>();
  private readonly clock: Clock;
  private readonly retention: number;

  constructor(options: InMemoryJournalOptions) {
    this.clock = options.clock;
    this.retention = options.retention ?? Infinity;
  }

  public async write(checkpoints: readonly Checkpoint[]): Promise<readonly (Error | undefined)[]> {
    if (checkpoints.length > this.maxBatchEntries) {
      throw new RangeError(`A write takes at most ${this.maxBatchEntries} entries, but has ${checkpoints.length}.`);
    }
    return checkpoints.map((checkpoint) => this.put(checkpoint));
  }

  public async read(executionId: string, step: number, fence: number): Promise<Checkpoint | undefined> {
    const entry = this.entries(executionId).find((candidate) => candidate.step === step && candidate.fence === fence);
    return entry && parse(entry);
  }

  public async history(executionId: string): Promise<readonly Checkpoint[]> {
    return this.entries(executionId).sort((a, b) => a.step - b.step || a.fence - b.fence).map(parse);
  }

  public async expire(executionId: string, step: number, fence: number): Promise<void> {
    const entries = this.executions.get(executionId);
    const entry = entries?.get(keyOf(step, fence));
    if (entry) {
      entries?.set(keyOf(step, fence), { ...entry, forgetAt: this.clock.now() + this.retention });
    }
  }

  private put(checkpoint: Checkpoint): Error | undefined {
    const text = JSON.stringify(checkpoint);
    const bytes = Buffer.byteLength(text);
    if (bytes > this.maxEntryBytes) {
      return new RangeError(`The journal entry has ${bytes} bytes, but at most ${this.maxEntryBytes} can be stored.`);
    }
    const { executionId, step, fence, outcome } = checkpoint;
    const stays = outcome === 'parked' || outcome === 'failed';
    const entries = this.executions.get(executionId) ?? new Map<string, Entry>();
    entries.set(keyOf(step, fence), { step, fence, text, forgetAt: stays ? Infinity : this.clock.now() + this.retention });
    this.executions.set(executionId, entries);
    return undefined;
  }

  private entries(executionId: string): Entry[] {
    return [...this.executions.get(executionId)?.values() ?? []].filter((entry) => entry.forgetAt > this.clock.now());
  }
}

function keyOf(step: number, fence: number): string {
  return `${step}#${fence}`;
}

function parse(entry: Entry): Checkpoint {
  // The text was made from a Checkpoint by this class.
  return JSON.parse(entry.text) as Checkpoint;
}
