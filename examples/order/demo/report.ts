import type { ExecutionDescription } from 'cdk-lambda-fsm/client';
import type { Local } from '../../../lambda/local';

/** What the table at the end tells of. */
export interface Outcome {
  readonly descriptions: readonly ExecutionDescription[];
  readonly local: Pick<Local, 'metrics' | 'requests' | 'faults'>;
  /** How many lines the ledger has, and how many of them are of attempts that were replaced. */
  readonly actions: { readonly all: number; readonly repeated: number };
  readonly seconds: number;
}

/** The table at the end. */
export function tableOf({ descriptions, local, actions, seconds }: Outcome): string {
  const states = sizesByEnd(descriptions);
  const { metrics } = local;
  const transitions = metrics.Transition ?? 0;
  const requests = Object.values(local.requests).reduce((sum, count) => sum + count, 0);
  const sum = (...names: readonly string[]) => String(names.reduce((total, name) => total + (metrics[name] ?? 0), 0));
  const rows: (readonly [string, string])[] = [
    ...[...states].sort(([a], [b]) => a.localeCompare(b)).map(([state, count]) => [`executions ${state}`, String(count)] as const),
    ['transitions', String(transitions)],
    ['retries', sum('Retry')],
    ['caught', sum('Caught')],
    ['failovers', sum('Failover')],
    ['duplicates dropped', sum('Duplicate', 'Orphan')],
    ['dead letters', sum('DeadLetter')],
    ['action runs', `${actions.all}, of which ${actions.repeated} were repeated`],
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
