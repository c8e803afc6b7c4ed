import type { Result } from './simulation';
import type { Trace } from './trace';
import type { EventSourceKind, FaultRule } from '../../lambda/testing';

/** A violation, told so that somebody can see what happened and run it again. */
export function report(
  result: Result,
  sources: readonly EventSourceKind[],
  faults: readonly FaultRule[],
  trace: Trace,
  first: Result,
): string {
  const { faults: _, ...setup } = result.scenario;
  return [
    `Seed ${result.seed}: npm run simulate -- --seed ${result.seed} --source ${sources.join(',')}`,
    ...first.violations.map((violation) => `  ${violation}`),
    `Set-up: ${JSON.stringify(setup)}`,
    `Machine: ${JSON.stringify(result.machine.states)} initial ${result.machine.initial}, maxRetries ${result.machine.maxRetries}`,
    `Of ${first.hits.length} faults these ${faults.length} are enough:`,
    ...faults.map((fault) => `  ${JSON.stringify(fault)}`),
    'With them:',
    ...result.violations.map((violation) => `  ${violation}`),
    'What happened (virtual time, invocation):',
    ...trace.lines,
  ].join('\n');
}
