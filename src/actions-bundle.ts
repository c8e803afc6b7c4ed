import { existsSync, realpathSync, statSync } from 'node:fs';
import * as path from 'node:path';
import type { IConstruct } from 'constructs';
import type * as esbuild from 'esbuild-wasm';
import { AUTHORING_DIRECTORY } from './built-assets';
import type { Problems } from './problems';

/** The user's actions as the runtime takes them. */
export interface BundledActions {
  /** The files that the runtime finds beside itself, by name. */
  readonly files: Readonly<Record<'actions.mjs' | 'actions.mjs.map', string>>;
  /** What esbuild finds odd. */
  readonly warnings: readonly string[];
}

/** What was bundled for an app, by file and external modules: workflows may share their actions. */
const bundled = new WeakMap<IConstruct, Map<string, BundledActions>>();

/**
 * Bundles the user's actions and all that they import into one ES module with a source map. The same files make the same bundle, wherever
 * they lie.
 *
 * @param app within which the files do not change
 * @returns nothing, after adding the reasons to the problems, when it cannot be done
 */
export function bundleActions(
  app: IConstruct, file: string, externalModules: readonly string[], problems: Problems,
): BundledActions | undefined {
  if (!existsSync(file) || !statSync(file).isFile()) {
    problems.add(`actions: there is no file ${path.resolve(file)}. Give the path of the TypeScript or JavaScript file that exports the actions.`);
    return undefined;
  }
  const entry = realpathSync(file);
  const key = JSON.stringify([entry, externalModules]);
  const known = bundled.get(app) ?? new Map<string, BundledActions>();
  bundled.set(app, known);
  const actions = known.get(key) ?? bundle(entry, externalModules, problems);
  if (actions) known.set(key, actions);
  return actions;
}

function bundle(entry: string, externalModules: readonly string[], problems: Problems): BundledActions | undefined {
  const directory = path.dirname(entry);
  const { buildSync } = loadEsbuild();
  let result: esbuild.BuildResult<{ write: false; metafile: true }>;
  try {
    result = buildSync({
      ...optionsFor(directory, externalModules),
      entryPoints: [entry],
      // Nothing is written; the name makes the paths in the source map relative to the user's own directory.
      outfile: path.join(directory, 'actions.mjs'),
      write: false,
      metafile: true,
      sourcemap: 'linked',
      // Lambda's stack traces name files and lines; they show no code.
      sourcesContent: false,
    });
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    problems.add(...error.errors.map((message) => `actions: ${describe(message, directory)}`));
    return undefined;
  }
  const output = Object.values(result.metafile.outputs).find(({ entryPoint }) => entryPoint !== undefined);
  if (!output?.exports.includes('default')) {
    problems.add(`actions: ${entry} has no default export. End it with "export default implement(…)".`);
    return undefined;
  }
  const text = (suffix: string) => withoutLocation(result.outputFiles.find((file) => file.path.endsWith(suffix))?.text ?? '', directory);
  return {
    files: { 'actions.mjs': text('.mjs'), 'actions.mjs.map': text('.map') },
    warnings: result.warnings.map((message) => describe(message, directory)),
  };
}

/**
 * A module that does something with what an actions file exports, bundled with it like that file.
 *
 * @param entry the actions file, which could be bundled alone
 * @param text the code of the module, in which the default export is called `exported`
 */
export function bundleWithActions(entry: string, externalModules: readonly string[], text: string): string {
  const directory = path.dirname(entry);
  const { outputFiles: [output] } = loadEsbuild().buildSync({
    ...optionsFor(directory, externalModules),
    stdin: { contents: `import exported from ${JSON.stringify(entry)};\n${text}`, resolveDir: directory },
    write: false,
  });
  return output?.text ?? '';
}

function optionsFor(directory: string, externalModules: readonly string[]): esbuild.BuildOptions {
  return {
    absWorkingDir: directory,
    bundle: true,
    format: 'esm',
    platform: 'node',
    // Not the Node.js of Lambda but the oldest on which a workflow is tried out.
    target: 'node20',
    // Unused code can be left out of ES modules only.
    mainFields: ['module', 'main'],
    external: [...externalModules],
    // The package itself has loaders and their parser in it, and where the CDK app is not written in TypeScript there is none beside the
    // actions.
    alias: Object.fromEntries(['machine', 'runtime'].map((name) => [`cdk-lambda-fsm/${name}`, path.join(AUTHORING_DIRECTORY, name, 'index.js')])),
    // CommonJS dependencies count on names that ES modules have not.
    banner: { js: REQUIRE_BANNER },
    define: { __dirname: 'import.meta.dirname', __filename: 'import.meta.filename' },
    logLevel: 'silent',
    logLimit: 0,
  };
}

const REQUIRE_BANNER = 'import { createRequire as __createRequire } from \'node:module\'; globalThis.require ??= __createRequire(import.meta.url);';

/** The native esbuild where npm has installed it; the one in WebAssembly, which this package has along, everywhere else. */
function loadEsbuild(): Pick<typeof esbuild, 'buildSync'> {
  for (const name of ['esbuild', 'esbuild-wasm']) {
    try {
      // eslint-disable-next-line @typescript-eslint/no-require-imports
      return require(name);
    } catch {
      // Installed for another platform, or not at all.
    }
  }
  throw new Error('Neither esbuild nor esbuild-wasm can be loaded. Install cdk-lambda-fsm again.');
}

/** Paths into this package differ between machines: a jsii app in another language unpacks it into a temporary directory. */
function withoutLocation(text: string, directory: string): string {
  const authoring = path.relative(directory, realpathSync(AUTHORING_DIRECTORY)).split(path.sep).join('/');
  return text.replaceAll(`${authoring}/`, 'cdk-lambda-fsm/');
}

function isBuildFailure(error: unknown): error is esbuild.BuildFailure {
  return typeof error === 'object' && error !== null && 'errors' in error && Array.isArray(error.errors);
}

function describe({ location, text, notes }: esbuild.Message, directory: string): string {
  const hints = notes.map((note) => `\n${note.text}`).join('');
  if (!location) return `${text}${hints}`;
  const place = `${path.resolve(directory, location.file)}:${location.line}:${location.column + 1}`;
  return `${place}: ${text}${hints}\n${location.line} | ${location.lineText}`;
}
