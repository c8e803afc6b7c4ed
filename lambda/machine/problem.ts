import { FsmError } from './fsm-error';
import { quote } from './quote';

/** One error or warning in a machine definition. */
export interface Problem {
  /** An `error` prevents the definition from being used; a `warning` does not. */
  readonly severity: 'error' | 'warning';
  /** Name of the machine, if known. */
  readonly machine?: string;
  /** Name of the state, if the problem is in a state. */
  readonly state?: string;
  /** Name of the event, if the problem is in a transition. */
  readonly event?: string;
  /** Path of the file, as given to the loader or as resolved from an import. */
  readonly file?: string;
  /** Line in the file, from 1. */
  readonly line?: number;
  /** Column in the line, from 1. Syntax errors have one. */
  readonly column?: number;
  /** Description of the problem, without a period at the end. */
  readonly message: string;
  /** How to fix it: a sentence. */
  readonly fix: string;
}

/** The location of a problem. */
export type Place = Pick<Problem, 'machine' | 'state' | 'event' | 'file' | 'line' | 'column'>;

/** A machine definition has errors. The message lists every problem, one a line, as a compiler does. */
export class InvalidDefinitionError extends FsmError {
  /** Name of this class. */
  public override readonly name = 'InvalidDefinitionError';
  /** Identifies this class. */
  public override readonly code = 'INVALID_DEFINITION';
  /** All problems of the definition, warnings included. */
  public readonly problems: readonly Problem[];

  /** @param problems all problems of the definition, warnings included */
  constructor(problems: readonly Problem[]) {
    super(summarize(problems));
    this.problems = problems;
  }
}

/**
 * Formats a problem as one line:
 * `fsm.yaml:12: machine "order", state "charging": The target state "shiping" does not exist. Did you mean "shipping"?`
 */
export function describeProblem(problem: Problem): string {
  const file = [problem.file, problem.line, problem.column].filter((part) => part !== undefined).join(':');
  const severity = problem.severity === 'warning' ? 'warning: ' : '';
  const names = (['machine', 'state', 'event'] as const)
    .flatMap((kind) => (problem[kind] === undefined ? [] : [`${kind} ${quote(problem[kind])}`]))
    .join(', ');
  return `${file && `${file}: `}${severity}${names && `${names}: `}${problem.message}. ${problem.fix}`;
}

/** @throws InvalidDefinitionError if one of the problems is an error */
export function throwOnErrors(problems: readonly Problem[]): void {
  if (problems.some((problem) => problem.severity === 'error')) {
    throw new InvalidDefinitionError(problems);
  }
}

/** Collects problems while a definition is read and checked, so that all of them are reported together. */
export class ProblemCollector {
  /** The problems so far, in the order in which they were found. */
  public readonly all: Problem[] = [];

  public error(place: Place, message: string, fix: string): void {
    this.all.push({ severity: 'error', ...place, message, fix });
  }

  public warning(place: Place, message: string, fix: string): void {
    this.all.push({ severity: 'warning', ...place, message, fix });
  }
}

/** Lists names: `"a", "b" or "c"`. Longer lists are cut after 20 names. */
export function enumerate(names: readonly string[], conjunction: 'and' | 'or'): string {
  const shown = names.length > 20 ? [...names.slice(0, 20).map(quote), `${names.length - 20} more`] : names.map(quote);
  return [shown.slice(0, -1).join(', '), shown.at(-1)].filter(Boolean).join(` ${conjunction} `);
}

/** Log viewers truncate longer messages at an arbitrary point. */
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
