import type { JournaledAttempt, Checkpoint, Clock, ExecutionKey, Journal, JournalPage } from '../../engine';

const MAX_ITEM_BYTES = 400 * 1024;

/** Options of {@link InMemoryJournal}. */
export interface InMemoryJournalOptions {
  /** The clock by which entries expire. */
  readonly clock: Clock;
  /**
   * Retention of an entry, in milliseconds. Entries of attempts that parked or failed do not expire.
   *
   * @default Infinity
   */
  readonly retention?: number;
}

interface Entry {
  readonly step: number;
  readonly fence: number;
  /** Stored as text, so that callers cannot modify it afterwards. */
  readonly text: string;
  readonly expiresAt: number;
}

/** A {@link Journal} in memory, with the limits of Amazon DynamoDB. */
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
      throw new RangeError(
        `Too many journal entries in one write: ${checkpoints.length}, expected at most ${this.maxBatchEntries}.`,
      );
    }
    return checkpoints.map((checkpoint) => this.put(checkpoint));
  }

  public async read(execution: ExecutionKey, step: number, fence: number): Promise<Checkpoint | undefined> {
    const entry = this.entries(execution).find((candidate) => candidate.step === step && candidate.fence === fence);
    return entry && parse(entry);
  }

  public async page(execution: ExecutionKey, maxSteps: number, before = Infinity): Promise<JournalPage> {
    const entries = this.entries(execution)
      .filter(({ step }) => step < before)
      .sort((a, b) => a.step - b.step || a.fence - b.fence);
    const steps = [...new Set(entries.map(({ step }) => step))].slice(-maxSteps);
    const kept = entries.filter(({ step }) => steps.includes(step));
    return {
      entries: kept.map((entry) => ({ step: entry.step, attempt: attemptOf(parse(entry)) })),
      hasEarlier: kept.length < entries.length,
    };
  }

  public async expire(execution: ExecutionKey, step: number, fence: number): Promise<void> {
    const entries = this.executions.get(nameOf(execution));
    const entry = entries?.get(keyOf(step, fence));
    if (entry) {
      entries?.set(keyOf(step, fence), { ...entry, expiresAt: this.clock.now() + this.retention });
    }
  }

  private put(checkpoint: Checkpoint): Error | undefined {
    const text = JSON.stringify(checkpoint);
    const bytes = Buffer.byteLength(text);
    if (bytes > this.maxEntryBytes) {
      return new RangeError(`The journal entry is too large: ${bytes} bytes, expected at most ${this.maxEntryBytes}.`);
    }
    const { step, fence, outcome } = checkpoint;
    const name = nameOf(checkpoint);
    const isKept = outcome === 'parked' || outcome === 'failed';
    const entries = this.executions.get(name) ?? new Map<string, Entry>();
    entries.set(keyOf(step, fence), {
      step,
      fence,
      text,
      expiresAt: isKept ? Infinity : this.clock.now() + this.retention,
    });
    this.executions.set(name, entries);
    return undefined;
  }

  private entries(execution: ExecutionKey): Entry[] {
    return [...(this.executions.get(nameOf(execution))?.values() ?? [])].filter(
      (entry) => entry.expiresAt > this.clock.now(),
    );
  }
}

/** Neither part contains a space. */
function nameOf({ executionId, incarnation }: ExecutionKey): string {
  return `${executionId} ${incarnation}`;
}

function keyOf(step: number, fence: number): string {
  return `${step}#${fence}`;
}

/** The members that describe the attempt. */
function attemptOf({
  executionId: _e,
  machine: _m,
  step: _s,
  context: _c,
  envelope: _v,
  timeout: _t,
  ...attempt
}: Checkpoint): JournaledAttempt {
  return attempt;
}

function parse(entry: Entry): Checkpoint {
  // This class serialized the text from a Checkpoint.
  return JSON.parse(entry.text) as Checkpoint;
}
