import { isDeepStrictEqual } from 'node:util';
import { titleOf, type Traffic } from './envelopes';
import type { LedgerEntry } from '../ledger';
import type { PlannedOrder } from './plan';
import type { ExecutionDescription } from 'cdk-lambda-fsm/client';

/**
 * What is wrong with an order, by two records that know nothing of each other: the workflow's journal, and the ledger that the actions
 * write. Nothing is wrong when it has ended as it must, and each of its steps counts once.
 */
export function problemsOf(order: PlannedOrder, found: ExecutionDescription | undefined, ledger: readonly LedgerEntry[]): string[] {
  const problems = found ? [...wrongEnd(order, found), ...wrongChain(found), ...wrongActions(order, found, ledger)] : ['is lost: nobody knows of it'];
  return [...problems, ...wrongFences(ledger)].map((problem) => `${order.executionId} ${problem}.`);
}

/** An outage shows nothing when nobody had to take over. */
export function problemsOfOutage(traffic: readonly Traffic[]): string[] {
  return traffic.filter(({ role, envelopes }) => role === 'failover' && envelopes === 0)
    .map((each) => `${titleOf(each)}, has carried no envelope although the event source was down.`);
}

function wrongEnd({ expected }: PlannedOrder, { status, state, context }: ExecutionDescription): string[] {
  if (status !== 'completed') {
    return [`is lost: it is ${status} in state "${state}"`];
  }
  return [
    ...state === expected.state ? [] : [`ended in "${state}" instead of "${expected.state}"`],
    ...isDeepStrictEqual(context, expected.context) ? [] : [`has the context ${JSON.stringify(context)} instead of ${JSON.stringify(expected.context)}`],
  ];
}

/** The steps are 0, 1, 2 … and all attempts at one continue the same attempt at the one before: the one that was committed. */
function wrongChain({ steps }: ExecutionDescription): string[] {
  return steps.flatMap(({ step, attempts, committed }, index) => {
    const before = index === 0 ? 0 : steps[index - 1]?.committed?.fence;
    const parents = new Set(attempts.map(({ parent }) => parent));
    return [
      ...step === index ? [] : [`has a step ${step} where step ${index} should be`],
      ...committed ? [] : [`has ended without committing step ${step}`],
      ...parents.size === 1 && before !== undefined && parents.has(before) ? [] : [`has committed step ${step - 1} more than once`],
    ];
  });
}

/** The attempts that count have run the actions of the machine, each once. */
function wrongActions({ expected }: PlannedOrder, { steps }: ExecutionDescription, ledger: readonly LedgerEntry[]): string[] {
  const committed = new Set(steps.map((step) => step.committed?.fence));
  const ran = ledger.filter(({ fence }) => committed.has(fence)).map(({ action }) => action);
  return isDeepStrictEqual(ran, expected.actions) ? [] : [`has run ${ran.join(', ')} instead of ${expected.actions.join(', ')}`];
}

/** The ledger is in the order in which things happened: an attempt that came later has the larger fence, and none runs beside another. */
function wrongFences(ledger: readonly LedgerEntry[]): string[] {
  return ledger.flatMap(({ fence, action }, index) => {
    const before = ledger[index - 1]?.fence ?? 0;
    return fence >= before ? [] : [`has run ${action} of attempt ${fence} after attempt ${before} had begun`];
  });
}
