import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import type { LedgerEntry } from '../ledger';

/** Follows the ledger while the actions append to it. */
export class LedgerReader {
  private readonly byOrder = new Map<string, LedgerEntry[]>();
  private offset = 0;
  private incomplete = '';

  constructor(private readonly file: string) {}

  /** The entries read so far, in the order in which the actions ran, by execution. */
  public get entries(): ReadonlyMap<string, readonly LedgerEntry[]> {
    return this.byOrder;
  }

  public of(executionId: string): readonly LedgerEntry[] {
    return this.byOrder.get(executionId) ?? [];
  }

  /** Reads the entries that were appended since the last call. */
  public update(): readonly LedgerEntry[] {
    const lines = (this.incomplete + this.readAppended()).split('\n');
    this.incomplete = lines.pop() ?? '';
    // Only `record` writes to this file.
    const added = lines.map((line) => JSON.parse(line) as LedgerEntry);
    for (const entry of added) {
      const entries = this.byOrder.get(entry.executionId);
      if (entries) entries.push(entry);
      else this.byOrder.set(entry.executionId, [entry]);
    }
    return added;
  }

  private readAppended(): string {
    if (!existsSync(this.file)) return '';
    const descriptor = openSync(this.file, 'r');
    try {
      const appended = Buffer.alloc(fstatSync(descriptor).size - this.offset);
      const length = readSync(descriptor, appended, 0, appended.length, this.offset);
      this.offset += length;
      return appended.toString('utf8', 0, length);
    } finally {
      closeSync(descriptor);
    }
  }
}
