import { existsSync, readFileSync, writeSync } from 'node:fs';
import { register } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CODE_FILES } from '../contract/code.js';
import { actionsOf, exportOf, missingActions, type NamedAction } from '../engine/definitions/actions.js';
import type { Machine, Upgrade } from '../machine/index.js';

/** The result of the check. Its reader is `src/workflow/code/check-actions.ts`. */
export type ActionsReport =
  | { readonly missing: readonly NamedAction[]; readonly exported: readonly string[]; readonly hasDefault: boolean }
  /** The file throws while it loads. */
  | { readonly thrown: string }
  /** The file exports something else than actions. */
  | { readonly invalid: string };

/**
 * Synth runs this program in a process of its own: it loads the actions file from the code of the function, as the function does, and reports
 * the actions that the machines name and the file lacks. The report goes to file descriptor 3, because the file may write to the standard
 * output.
 */
async function main(directory: string, source: string): Promise<ActionsReport> {
  resolveFrom(source);
  let module: object;
  try {
    module = (await import(pathToFileURL(join(directory, CODE_FILES.actions)).href)) as object;
  } catch (thrown) {
    return { thrown: String(thrown) };
  }
  try {
    const missing = missingActions(machinesIn(directory), actionsOf(exportOf(module)));
    return { missing, exported: Object.keys(module), hasDefault: 'default' in module };
  } catch (thrown) {
    return { invalid: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

/** The deployed machines, and their previous versions. */
function machinesIn(directory: string): readonly Machine[] {
  const read = (name: string): unknown => {
    const file = join(directory, name);
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  };
  // Synth has written the files; only that of the upgrades may be absent.
  const machines = read(CODE_FILES.machines) as Machine[];
  const upgrades = Object.values(read(CODE_FILES.upgrades) as Readonly<Record<string, Upgrade>>);
  return [...machines, ...upgrades.flatMap(({ previousVersions = [] }) => previousVersions)];
}

/** Resolves the modules that are not bundled from the source of the actions, because the layer with them exists only in Lambda. */
function resolveFrom(source: string): void {
  const hook = `export const resolve = async (name, context, next) => {
    try {
      return await next(name, context);
    } catch (error) {
      return next(name, { ...context, parentURL: ${JSON.stringify(pathToFileURL(source).href)} }).catch(() => { throw error; });
    }
  };`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
}

const [, , directory = '', source = ''] = process.argv;
writeSync(3, JSON.stringify(await main(directory, source)));
// The file may keep the process alive.
process.exit();
