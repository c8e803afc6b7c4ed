import { titleOf, type Traffic } from './envelopes';
import type { Local } from '../../../lambda/local';
import type { LedgerEntry } from '../ledger';
import type { ExecutionDescription } from 'cdk-lambda-fsm/client';

/** What the table at the end tells of. */
export interface Outcome {
  readonly descriptions: readonly ExecutionDescription[];
  readonly ledger: ReadonlyMap<string, readonly LedgerEntry[]>;
  readonly traffic: readonly Traffic[];
  readonly local: Pick<Local, 'metrics' | 'requests' | 'faults'>;
  readonly seconds: number;
}

/** The table at the end. */
export function tableOf({ descriptions, ledger, traffic, local, seconds }: Outcome): string {
  const states = sizesByEnd(descriptions);
  const runs = [...ledger.values()].flat();
  const committed = new Set(descriptions.flatMap(({ executionId, steps }) =>
    steps.map((step) => attemptOf({ executionId, fence: step.committed?.fence }))));
  const { metrics } = local;
  const transitions = metrics.Transition ?? 0;
  const requests = Object.values(local.requests).reduce((sum, count) => sum + count, 0);
  const sum = (...names: readonly string[]) => String(names.reduce((total, name) => total + (metrics[name] ?? 0), 0));
  const rows: (readonly [string, string])[] = [
    ...[...states].sort(([a], [b]) => a.localeCompare(b)).map(([state, count]) => [`executions ${state}`, String(count)] as const),
    ['transitions', String(transitions)],
    ...traffic.map((each) => [`envelopes by ${titleOf(each)}`, String(each.envelopes)] as const),
    ['retries', sum('Retry')],
    ['caught', sum('Caught')],
    ['failovers', sum('Failover')],
    ['duplicates dropped', sum('Duplicate', 'Orphan')],
    ['dead letters', sum('DeadLetter')],
    ['action runs', `${runs.length}, of which ${runs.filter((entry) => !committed.has(attemptOf(entry))).length} had to be repeated`],
    ['requests that were made to fail', String(local.faults)],
    ['requests a transition', (requests / transitions).toFixed(2)],
    ['transitions a second', (transitions / seconds).toFixed(0)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n');
}

function sizesByEnd(descriptions: readonly ExecutionDescription[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { status, state } of descriptions) {
    const name = status === 'completed' ? state : status;
    sizes.set(name, (sizes.get(name) ?? 0) + 1);
  }
  return sizes;
}

function attemptOf({ executionId, fence }: { readonly executionId: string; readonly fence?: number }): string {
  return `${executionId}/${fence}`;
}
