import type { Choice } from './setting';
import type { Result } from './simulation';
import type { Trace } from './trace';
import type { FaultRule } from '../../lambda/testing';

/** Returns the execution of the first violation, unless the violation concerns several. */
function concerned({ violations: [first = ''] }: Result): string | undefined {
  return /^I\d (e\d+):/.exec(first)?.[1];
}

/** Formats a violation so that a reader can follow the run and replay it. */
export function report(
  result: Result,
  { sources, ports }: Choice,
  faults: readonly FaultRule[],
  trace: Trace,
  first: Result,
): string {
  const { seed, machine, faults: _, definitions: __, ...setup } = result.setting;
  return [
    `Seed ${seed}: npm run simulate -- --seed ${seed} --source ${sources.join(',')} --lock-store ${ports.join(',')}`,
    ...first.violations.map((violation) => `  ${violation}`),
    `Set-up: ${JSON.stringify(setup)}`,
    `Machine: ${JSON.stringify(machine.states)} initial ${machine.initial}, maxRetries ${machine.maxRetries}`,
    `${faults.length} of ${first.hits.length} faults suffice:`,
    ...faults.map((fault) => `  ${JSON.stringify(fault)}`),
    'Violations with these faults:',
    ...result.violations.map((violation) => `  ${violation}`),
    'Trace (virtual time, invocation):',
    ...trace.lines(concerned(result)),
  ].join('\n');
}
