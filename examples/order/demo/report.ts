import type { CrashCost } from './crash';
import { requestsATransition, secondsOf, transitionsOf, type Phase } from './phases';
import type { Paint } from './screen';
import { titleOf, type Traffic } from './traffic';
import { committedFences } from './verdict';
import type { LedgerEntry } from '../ledger';
import type { ExecutionDescription } from 'cdk-lambda-fsm/client';

/** The results of a run. */
export interface Results {
  readonly descriptions: readonly ExecutionDescription[];
  readonly ledger: ReadonlyMap<string, readonly LedgerEntry[]>;
  readonly traffic: readonly Traffic[];
  readonly metrics: Readonly<Record<string, number>>;
  /** Number of requests that were made to fail. */
  readonly faults: number;
  /** The phase without faults, if the run had one. */
  readonly healthy?: Phase;
  readonly faulty: readonly Phase[];
  readonly crash?: CrashCost;
  /** When each order was placed, in milliseconds since the epoch. */
  readonly placedAt: ReadonlyMap<string, number>;
}

type Row = readonly [label: string, value: string];

/** The tables at the end. */
export function reportOf(results: Results, paint: Paint): string {
  const sections = [
    { title: 'Orders', rows: orderRows(results) },
    { title: 'Performance', rows: performanceRows(results) },
    { title: 'Envelopes carried', rows: results.traffic.map((each): Row => [titleOf(each), String(each.envelopes)]) },
    { title: 'Faults', rows: faultRows(results) },
  ];
  const width = Math.max(...sections.flatMap(({ rows }) => rows.map(([label]) => label.length)));
  return sections
    .map(({ title, rows }) =>
      [paint('bold', title), ...rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`)].join('\n'),
    )
    .join('\n\n');
}

function orderRows({ descriptions, placedAt }: Results): Row[] {
  const counts = new Map<string, number>();
  for (const { status, state } of descriptions) {
    const outcome = (status === 'completed' && state) || status;
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  const seconds = descriptions
    .map(({ executionId, startedAt, updatedAt }) => {
      const begin = Math.min(placedAt.get(executionId) ?? Infinity, startedAt.getTime());
      return (updatedAt.getTime() - begin) / 1000;
    })
    .sort((a, b) => a - b);
  const percentile = (share: number) => seconds[Math.ceil(share * seconds.length) - 1] ?? 0;
  return [
    ...[...counts].sort(([a], [b]) => a.localeCompare(b)).map(([outcome, count]): Row => [outcome, String(count)]),
    ['time to the end, p50', `${percentile(0.5).toFixed(1)} s`],
    ['time to the end, p99', `${percentile(0.99).toFixed(1)} s`],
  ];
}

function performanceRows({ healthy, faulty, metrics }: Results): Row[] {
  const requests = (phases: readonly Phase[]) => requestsATransition(phases)?.toFixed(2);
  const withoutFaults = healthy && requests([healthy]);
  const withFaults = requests(faulty);
  return [
    ['transitions', String(metrics.Transition ?? 0)],
    ...(healthy ? [['transitions per second, healthy', rateOf(healthy)] as const] : []),
    ...(withoutFaults ? [['AWS requests per transition, healthy', withoutFaults] as const] : []),
    ...(withFaults ? [['AWS requests per transition, with faults', withFaults] as const] : []),
  ];
}

function faultRows({ descriptions, ledger, metrics, faults, crash }: Results): Row[] {
  const runs = [...ledger.values()].flat();
  const committed = new Map(
    descriptions.map((description) => {
      const { executionId } = description;
      return [executionId, committedFences(description, ledger.get(executionId) ?? [])];
    }),
  );
  const repeated = runs.filter(({ executionId, step, fence }) => committed.get(executionId)?.get(step) !== fence);
  const count = (...names: readonly string[]) => String(names.reduce((total, name) => total + (metrics[name] ?? 0), 0));
  return [
    ['requests made to fail', String(faults)],
    ...(crash ? [['killed invocation', crashText(crash)] as const] : []),
    ['failovers', count('Failover')],
    ['retries', count('Retry')],
    ['retries exhausted, caught', count('Caught')],
    ['duplicates dropped', count('Duplicate', 'Orphan')],
    ['dead letters', count('DeadLetter')],
    ['actions repeated', `${repeated.length} of ${runs.length}`],
  ];
}

function crashText({ orders, seconds }: CrashCost): string {
  const interrupted = orders === 1 ? '1 order interrupted' : `${orders} orders interrupted`;
  return `${interrupted}, resumed within ${seconds.toFixed(1)} s`;
}

/** Transitions per second of a phase. */
export function rateOf(phase: Phase): string {
  const seconds = secondsOf(phase);
  return seconds > 0 ? (transitionsOf(phase) / seconds).toFixed(0) : '0';
}
