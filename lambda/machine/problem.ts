/** One thing that is wrong with a definition. */
export interface Problem {
  /** An `error` stops the definition from being used, a `warning` does not. */
  readonly severity: 'error' | 'warning';
  /** Name of the machine, where it is known. */
  readonly machine?: string;
  /** Name of the state. */
  readonly state?: string;
  /** Name of the event whose transition is meant. */
  readonly event?: string;
  /** The file, as it was named to the loader or by the import that led to it. */
  readonly file?: string;
  /** The line in the file, from 1. */
  readonly line?: number;
  /** What is wrong. */
  readonly message: string;
  /** What to do about it. */
  readonly fix: string;
}

/** Where a problem is. */
export type Place = Pick<Problem, 'machine' | 'state' | 'event' | 'file' | 'line'>;

/** A definition cannot be used. The message lists every problem as a compiler would, one a line. */
export class InvalidDefinitionError extends Error {
  public override readonly name = 'InvalidDefinitionError';

  /** @param problems all that was found, warnings included */
  constructor(public readonly problems: readonly Problem[]) {
    super(summarize(problems));
  }
}

/** A problem as one line: `fsm.yaml:12: machine "order", state "charging": The target "shiping" is no state. Did you mean "shipping"?` */
export function describeProblem(problem: Problem): string {
  const file = problem.file === undefined ? '' : problem.line === undefined ? `${problem.file}: ` : `${problem.file}:${problem.line}: `;
  const severity = problem.severity === 'warning' ? 'warning: ' : '';
  const names = (['machine', 'state', 'event'] as const)
    .flatMap((kind) => problem[kind] === undefined ? [] : [`${kind} ${quote(problem[kind])}`])
    .join(', ');
  return `${file}${severity}${names && `${names}: `}${problem.message}. ${problem.fix}`;
}

/** Throws when there is an error among the problems. */
export function refuseErrors(problems: readonly Problem[]): void {
  if (problems.some((problem) => problem.severity === 'error')) {
    throw new InvalidDefinitionError(problems);
  }
}

/** Collects problems while a definition is read and checked. */
export class Findings {
  public readonly problems: Problem[] = [];

  public error(place: Place, message: string, fix: string): void {
    this.problems.push({ severity: 'error', ...place, message, fix });
  }

  public warning(place: Place, message: string, fix: string): void {
    this.problems.push({ severity: 'warning', ...place, message, fix });
  }
}

/** A user's name in double quotes, on one line and of bearable length whatever it holds. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}

/** Names as an enumeration: `"a", "b" or "c"`. */
export function enumerate(names: readonly string[], conjunction: 'and' | 'or'): string {
  const shown = names.length > 20 ? [...names.slice(0, 20).map(quote), `${names.length - 20} more`] : names.map(quote);
  return [shown.slice(0, -1).join(', '), shown.at(-1)].filter(Boolean).join(` ${conjunction} `);
}

/** More lines than this nobody reads, and logs cut them off at a random place. */
const MAX_LINES = 200;

function summarize(problems: readonly Problem[]): string {
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const warnings = problems.length - errors;
  const counts = [
    `${errors} ${errors === 1 ? 'error' : 'errors'}`,
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : []),
  ];
  const lines = problems.slice(0, MAX_LINES).map((problem) => `  ${describeProblem(problem)}`);
  const rest = problems.length > MAX_LINES ? [`  … and ${problems.length - MAX_LINES} more.`] : [];
  return [`${counts.join(' and ')} in the machine definition:`, ...lines, ...rest].join('\n');
}
