import { committedFences } from './verdict';
import type { LedgerEntry } from '../ledger';
import type { ExecutionDescription } from 'cdk-lambda-fsm/client';

/** The cost of the killed invocation. */
export interface CrashCost {
  /** Number of orders whose attempt died with the invocation. */
  readonly orders: number;
  /** Seconds from the crash until the last of these orders proceeded. */
  readonly seconds: number;
}

/**
 * Finds the orders that the killed invocation was working on: the journal does not know their attempt, and another invocation repeated the
 * step.
 *
 * @returns nothing if no invocation was killed, or no order was affected
 */
export function costOfCrash(
  descriptions: readonly ExecutionDescription[],
  ledger: ReadonlyMap<string, readonly LedgerEntry[]>,
): CrashCost | undefined {
  const crash = [...ledger.values()].flat().find(({ killed }) => killed);
  if (!crash) return undefined;
  const waits = descriptions.flatMap((description) => {
    const entries = ledger.get(description.executionId) ?? [];
    const died = entries.filter(({ environment, at }) => environment === crash.environment && at <= crash.at).at(-1);
    if (!died) return [];
    const { step, fence } = died;
    const known = description.steps.some(({ attempts }) => attempts.some((attempt) => attempt.fence === fence));
    const repeated = entries.find((entry) => entry.step === step && entry.fence > fence);
    const wasCommitted = committedFences(description, entries).get(step) === fence;
    return !known && !wasCommitted && repeated ? [(repeated.at - crash.at) / 1000] : [];
  });
  return waits.length === 0 ? undefined : { orders: waits.length, seconds: Math.max(...waits) };
}
