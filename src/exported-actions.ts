import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import * as path from 'node:path';
import { bundleWithActions } from './actions-bundle';
import { actionNames, type Machine } from 'cdk-lambda-fsm/machine';

/** Milliseconds within which the actions file must be loaded. */
const LOADING_TIME = 30_000;

/** Tells the names of what is exported, and ends whatever the file has begun. The module itself may write to the standard output. */
const TELL = `
const { writeSync } = await import('node:fs');
const isOfMachine = (part) => typeof part?.machine?.name === 'string' && typeof part.actions === 'object';
writeSync(3, JSON.stringify([exported].flat().map((part) => (
  isOfMachine(part) ? { machine: part.machine.name, names: Object.keys(part.actions) } : { names: Object.keys(part ?? {}) }
))));
process.exit();
`;

/** The actions of one machine, or of all where no machine is named. */
interface Part {
  readonly machine?: string;
  readonly names: readonly string[];
}

/** What an actions file exports. */
export interface ExportedActions {
  /** Why it is not known. */
  readonly warnings: readonly string[];
  /** One line for each action that a machine names and that is neither exported nor done by a task. */
  missing(machines: readonly Machine[], isTask: (name: string) => boolean): readonly string[];
}

/**
 * Loads an actions file in a process of its own, and notes the names of what it exports. A file that cannot be loaded here (it may need
 * what only the function has in its environment) is not wrong for that.
 *
 * @param file one that could be bundled
 */
export function exportedActions(file: string, externalModules: readonly string[]): ExportedActions {
  const entry = realpathSync(file);
  const loaded = spawnSync(process.execPath, ['--input-type=module'], {
    input: bundleWithActions(entry, externalModules, TELL),
    cwd: path.dirname(entry),
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: LOADING_TIME,
  });
  const told = loaded.output[3];
  if (!told) {
    const warning = `actions: ${entry} cannot be loaded here, so nobody knows whether it has all that the previous versions of machines name.`;
    return { warnings: [`${warning} ${reasonOf(loaded.stderr)}`], missing: () => [] };
  }
  // The text above has written it.
  const parts = JSON.parse(told) as readonly Part[];
  return {
    warnings: [],
    missing: (machines, isTask) => [...new Set(machines.flatMap((machine) => {
      const names = new Set(parts.flatMap((part) => part.machine === undefined || part.machine === machine.name ? part.names : []));
      return actionNames(machine).filter(({ action }) => !names.has(action) && !isTask(action)).map(({ state, action }) => (
        `Machine "${machine.name}", state "${state}": ${entry} exports no action "${action}". ` +
        'Add it there; an action that only a previous version names must stay as long as that version is listed.'
      ));
    }))],
  };
}

/** The line in which Node.js names the error. */
function reasonOf(stderr: string): string {
  return stderr.split('\n').find((line) => /^\w*Error\b/.test(line)) ?? '';
}
