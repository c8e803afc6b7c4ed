import type { Choice } from './setting';
import type { Result } from './simulation';
import type { Trace } from './trace';
import type { FaultRule } from '../../lambda/testing';

/** The execution that the first violation is about, unless it is about several. */
function concerned({ violations: [first = ''] }: Result): string | undefined {
  return /^I\d (e\d+):/.exec(first)?.[1];
}

/** A violation, told so that somebody can see what happened and run it again. */
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
    `Of ${first.hits.length} faults these ${faults.length} are enough:`,
    ...faults.map((fault) => `  ${JSON.stringify(fault)}`),
    'With them:',
    ...result.violations.map((violation) => `  ${violation}`),
    'What happened (virtual time, invocation):',
    ...trace.lines(concerned(result)),
  ].join('\n');
}
