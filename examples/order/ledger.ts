import { appendFileSync, existsSync, unlinkSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import type { Run } from 'cdk-lambda-fsm/runtime';

/** One call of an action. */
export interface LedgerEntry {
  readonly executionId: string;
  readonly step: number;
  readonly fence: number;
  readonly action: string;
  readonly idempotencyKey: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The execution environment of the function in which the action ran. */
  readonly environment: string;
  /** The demo killed the invocation in this action. */
  readonly killed?: true;
}

/** The demo creates this file to kill the next invocation that runs an action. */
export function killFile(ledger: string): string {
  return `${ledger}.kill`;
}

/**
 * Appends a call to the ledger, the file that `ORDER_LEDGER` names. The ledger is independent of the workflow engine, so the demo can
 * check the engine against it. On AWS the variable is not set and this function does nothing.
 */
export function record({ executionId, step, fence, idempotencyKey }: Run, action: string): void {
  const file = process.env.ORDER_LEDGER;
  if (file === undefined) return;
  const killed = isToBeKilled(file);
  const environment = `${process.pid}/${threadId}`;
  const call = { executionId, step, fence, action, idempotencyKey, at: Date.now(), environment };
  const entry: LedgerEntry = killed ? { ...call, killed } : call;
  // An append of one short line is atomic, so concurrent environments can share the file.
  appendFileSync(file, `${JSON.stringify(entry)}\n`);
  if (killed) process.exit(1);
}

/** Returns true in exactly one environment: the one that removes the file. */
function isToBeKilled(ledger: string): true | undefined {
  const file = killFile(ledger);
  if (!existsSync(file)) return undefined;
  try {
    unlinkSync(file);
    return true;
  } catch {
    return undefined;
  }
}
