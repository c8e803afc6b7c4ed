import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Run } from 'cdk-lambda-fsm/runtime';

/** One run of an action, as the ledger has it. */
export interface LedgerEntry {
  readonly executionId: string;
  readonly step: number;
  readonly fence: number;
  readonly action: string;
  readonly idempotencyKey: string;
}

/**
 * Notes that an action runs, in the file that `ORDER_LEDGER` names: a record of what was really done, which the workflow engine knows
 * nothing of and by which it can be checked. Deployed to AWS the variable is not set, and nothing is noted.
 */
export function record({ executionId, step, fence, idempotencyKey }: Run, action: string): void {
  const file = process.env.ORDER_LEDGER;
  if (file !== undefined) {
    // One short line at the end of the file is written as a whole, whoever else writes at the same time.
    appendFileSync(file, `${JSON.stringify({ executionId, step, fence, action, idempotencyKey } satisfies LedgerEntry)}\n`);
  }
}

/** The entries of each execution, in the order in which things happened. */
export function readLedger(file: string): Map<string, LedgerEntry[]> {
  const ledger = new Map<string, LedgerEntry[]>();
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter((line) => line !== '') : [];
  for (const line of lines) {
    // Nothing else writes into this file.
    const entry = JSON.parse(line) as LedgerEntry;
    const entries = ledger.get(entry.executionId);
    if (entries) {
      entries.push(entry);
    } else {
      ledger.set(entry.executionId, [entry]);
    }
  }
  return ledger;
}
