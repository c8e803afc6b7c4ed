import { isDeepStrictEqual } from 'node:util';
import { titleOf, type Traffic } from './traffic';
import type { LedgerEntry } from '../ledger';
import type { PlannedOrder } from './plan';
import type { ExecutionDescription } from 'cdk-lambda-fsm/client';

/**
 * Checks an order against two independent records: the journal of the workflow engine, and the ledger that the actions write.
 *
 * @returns the problems; empty if the order ended as planned and each step was committed once
 */
export function problemsOf(
  order: PlannedOrder,
  found: ExecutionDescription | undefined,
  ledger: readonly LedgerEntry[],
): string[] {
  const problems = found
    ? [...wrongEnd(order, found), ...wrongChain(found, ledger), ...wrongActions(order, found, ledger)]
    : ['is lost: the workflow does not know it'];
  return [...problems, ...overlaps(ledger)].map((problem) => `${order.executionId} ${problem}.`);
}

/** An outage proves nothing if the failover carried no envelope. */
export function problemsOfOutage(traffic: readonly Traffic[]): string[] {
  return traffic
    .filter(({ role, envelopes }) => role === 'failover' && envelopes === 0)
    .map((each) => `${titleOf(each)} carried no envelope although the event source was down.`);
}

/** The fence of the attempt that committed each step. Fences grow, and only the last attempt at a step can commit it. */
export function committedFences({ steps }: ExecutionDescription, ledger: readonly LedgerEntry[]): Map<number, number> {
  const committed = new Map<number, number>();
  const attempts = [
    ...ledger,
    ...steps.flatMap(({ step, attempts: found }) => found.map(({ fence }) => ({ step, fence }))),
  ];
  for (const { step, fence } of attempts) committed.set(step, Math.max(fence, committed.get(step) ?? 0));
  return committed;
}

function wrongEnd({ expected }: PlannedOrder, { status, state, context }: ExecutionDescription): string[] {
  if (status !== 'completed') return [`is lost: it is ${status} in state "${state}"`];
  return [
    ...(state === expected.state ? [] : [`ended in "${state}" instead of "${expected.state}"`]),
    ...(isDeepStrictEqual(context, expected.context)
      ? []
      : [`has the context ${JSON.stringify(context)} instead of ${JSON.stringify(expected.context)}`]),
  ];
}

/**
 * The steps are 0, 1, 2 …, and every attempt at a step continues the attempt that committed the step before. A killed invocation may lose
 * the journal entry of a step that it has dispatched; the ledger then shows the attempt.
 */
function wrongChain(found: ExecutionDescription, ledger: readonly LedgerEntry[]): string[] {
  const committed = committedFences(found, ledger);
  const journal = new Map(found.steps.map((each) => [each.step, each]));
  return Array.from({ length: found.step + 1 }, (_, step) => step).flatMap((step) => {
    const fence = committed.get(step);
    if (fence === undefined) return [`has no record of step ${step}`];
    const before = step === 0 ? 0 : committed.get(step - 1);
    const { attempts = [] } = journal.get(step) ?? {};
    const claimed = attempts.find((attempt) => attempt.committed);
    return [
      ...(claimed && claimed.fence !== fence ? [`was retried in step ${step} after that step was committed`] : []),
      ...(!claimed && step === found.step ? [`ended without committing step ${step}`] : []),
      ...(attempts.every(({ parent }) => parent === before) ? [] : [`committed step ${step - 1} more than once`]),
    ];
  });
}

/** The committed attempts ran the planned actions, each once. */
function wrongActions(
  { expected }: PlannedOrder,
  found: ExecutionDescription,
  ledger: readonly LedgerEntry[],
): string[] {
  const committed = committedFences(found, ledger);
  const ran = ledger.filter(({ step, fence }) => committed.get(step) === fence).map(({ action }) => action);
  return isDeepStrictEqual(ran, expected.actions)
    ? []
    : [`ran ${ran.join(', ')} instead of ${expected.actions.join(', ')}`];
}

/** The ledger is in chronological order. A later attempt has a larger fence, and two attempts never overlap. */
function overlaps(ledger: readonly LedgerEntry[]): string[] {
  return ledger.flatMap(({ fence, action }, index) => {
    const before = ledger[index - 1]?.fence ?? 0;
    return fence >= before ? [] : [`ran ${action} in attempt ${fence} after attempt ${before} had begun`];
  });
}
