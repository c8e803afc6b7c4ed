import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as path from 'node:path';
import { CHECK_PROGRAM } from './built-assets';
import { quoteAll } from '../../shared/validation-errors';

const LOAD_TIMEOUT_MS = 30_000;

/** An action that a machine names, but the actions file does not export. */
interface MissingAction {
  readonly machine: string;
  readonly state: string;
  readonly action: string;
}

/** The report of the check program, `lambda/runtime/check-actions.mts`. */
type Report =
  | { readonly missing: readonly MissingAction[]; readonly exported: readonly string[]; readonly hasDefault: boolean }
  | { readonly thrown: string }
  | { readonly invalid: string };

/** The problems of an actions file. */
export interface CheckedActions {
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** The reports of this process, by the contents of the code and the environment. */
const REPORTS = new Map<string, Report>();

/**
 * Loads the actions from the code of the function in a separate process, as the function does, and looks up the actions of the machines.
 * Failing to load the file is only a warning: the file may require resources that exist in Lambda alone.
 *
 * @param code the directory with the code of the function
 * @param source the actions file, which the messages name
 * @param environment the environment variables of the function
 * @param isTask whether a task runs an action
 */
export function checkActions(
  code: string,
  source: string,
  environment: Readonly<Record<string, string>>,
  isTask: (action: string) => boolean,
): CheckedActions {
  const key = createHash('sha256')
    .update(JSON.stringify([path.basename(code), source, environment]))
    .digest('hex');
  const report = REPORTS.get(key) ?? load(code, source, environment);
  REPORTS.set(key, report);
  if ('thrown' in report) {
    return {
      errors: [],
      warnings: [
        `actions: cannot load ${source} at synthesis to check that it exports the actions of all machines: ${report.thrown}. ` +
          'If it does not load in Lambda either, all steps with actions will fail.',
      ],
    };
  }
  if ('invalid' in report) return { errors: [`actions: ${source}: ${report.invalid}`], warnings: [] };
  const { hasDefault, exported } = report;
  const hint = hasDefault
    ? 'Export it. Keep an action of a previous version as long as that version is listed.'
    : `The file has no default export, so each of its exports is an action: ${quoteAll(exported)}. Export it, or add "export default implement(…)".`;
  const missing = report.missing
    .filter(({ action }) => !isTask(action))
    .map(
      ({ machine, state, action }) =>
        `Machine "${machine}", state "${state}": ${source} exports no action "${action}". ${hint}`,
    );
  return { errors: [...new Set(missing)], warnings: [] };
}

function load(code: string, source: string, environment: Readonly<Record<string, string>>): Report {
  const loaded = spawnSync(process.execPath, [CHECK_PROGRAM, code, source], {
    cwd: code,
    env: { ...process.env, ...environment, NODE_PATH: packagesAbove(path.dirname(source)).join(path.delimiter) },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: LOAD_TIMEOUT_MS,
  });
  const report = loaded.output?.[3];
  // The program writes this type.
  if (report) return JSON.parse(report) as Report;
  const seconds = LOAD_TIMEOUT_MS / 1000;
  const reason = loaded.error
    ? `it did not load within ${seconds} seconds`
    : `it ended the process with ${ending(loaded)}`;
  return { thrown: [reason, reasonIn(loaded.stderr)].filter(Boolean).join(': ') };
}

function ending({ status, signal }: { readonly status: number | null; readonly signal: string | null }): string {
  return signal === null ? `exit code ${status}` : signal;
}

/** The line of the error in the output of Node.js. */
function reasonIn(stderr: string | null): string {
  return stderr?.split('\n').find((line) => /^\w*Error\b/.test(line)) ?? '';
}

/** The packages that CommonJS modules find from a directory. */
function packagesAbove(directory: string): readonly string[] {
  const parent = path.dirname(directory);
  return [path.join(directory, 'node_modules'), ...(parent === directory ? [] : packagesAbove(parent))];
}
