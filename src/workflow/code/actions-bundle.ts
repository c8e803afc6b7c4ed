import { createHash } from 'node:crypto';
import { existsSync, realpathSync, statSync } from 'node:fs';
import * as path from 'node:path';
import type * as nodejs from 'aws-cdk-lib/aws-lambda-nodejs';
import type { IConstruct } from 'constructs';
import type * as esbuild from 'esbuild-wasm';
import { CODE_FILES } from '#contract';
import { checkBundlingOptions, esbuildOptions, isCommonJs } from './bundling-options';
import { emitsDecoratorMetadata } from './decorator-metadata';
import { findFileAccess } from './file-access';
import { stablePaths } from './stable-paths';
import type { ValidationErrors } from '../../shared/validation-errors';

/** The bundled actions of the user. */
export interface BundledActions {
  /** The actions file. */
  readonly source: string;
  /** The contents of the files to deploy next to the runtime, by file name. */
  readonly files: Readonly<Record<string, string>>;
  /** The warnings of esbuild, and about files that the bundle does not contain. */
  readonly warnings: readonly string[];
}

/** The bundles of an app by file and options, because workflows may share their actions. */
const BUNDLES = new WeakMap<IConstruct, Map<string, BundledActions>>();

/**
 * Bundles the user's actions with all their imports into one module with a source map. Equal files yield equal bundles, independent of their
 * location.
 *
 * @param app the app whose synthesis caches the bundle
 * @returns undefined after adding errors, if the actions cannot be bundled
 */
export function bundleActions(
  app: IConstruct,
  file: string,
  options: nodejs.BundlingOptions,
  errors: ValidationErrors,
): BundledActions | undefined {
  checkBundlingOptions(errors, options);
  if (!existsSync(file) || !statSync(file).isFile()) {
    errors.add(
      `Invalid actions "${file}": the file ${path.resolve(file)} does not exist. Set actions to the path of the TypeScript or JavaScript file that exports the actions.`,
    );
    return undefined;
  }
  const entry = realpathSync(file);
  const key = JSON.stringify([entry, options]);
  const bundles = BUNDLES.get(app) ?? new Map<string, BundledActions>();
  BUNDLES.set(app, bundles);
  const actions = bundles.get(key) ?? bundle(entry, options, errors);
  if (actions) bundles.set(key, actions);
  return actions;
}

type Build = esbuild.BuildResult<{ write: false; metafile: true }>;

function bundle(entry: string, options: nodejs.BundlingOptions, errors: ValidationErrors): BundledActions | undefined {
  const directory = path.dirname(entry);
  const name = isCommonJs(options) ? CODE_FILES.commonJsActions : CODE_FILES.actions;
  const build = (minify: boolean): Build =>
    loadEsbuild().buildSync({
      ...esbuildOptions(options, directory),
      entryPoints: [entry],
      // No file is written. The name makes the paths in the source map relative to the directory of the actions.
      outfile: path.join(directory, name),
      write: false,
      metafile: true,
      minify,
    });
  let result: Build;
  try {
    result = build(options.minify ?? false);
  } catch (error) {
    errors.add(...failuresOf(error).map((message) => `actions: ${describe(message, directory)}`));
    return undefined;
  }
  const { metafile, outputFiles } = result;
  const output = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint !== undefined);
  if (!isCommonJs(options) && output?.exports.length === 0) {
    errors.add(`actions: ${entry} exports nothing. Add "export default implement(…)".`);
    return undefined;
  }
  const readable = options.minify ? build(false).outputFiles : outputFiles;
  const code = readable.find((file) => file.path.endsWith(name))?.text ?? '';
  if (code.includes('__decorateClass(') && emitsDecoratorMetadata(directory, options.tsconfig)) {
    errors.add(
      `actions: ${entry} uses decorators, and "emitDecoratorMetadata" is set in its tsconfig.json. esbuild emits no metadata for decorators, so they would not work. ` +
        'Compile the actions with tsc before synthesis, and set actions to the compiled file; or remove "emitDecoratorMetadata".',
    );
    return undefined;
  }
  const inputs = Object.keys(metafile.inputs);
  const withStablePaths = stablePaths(inputs, directory);
  const files = Object.fromEntries(
    outputFiles.map((file) => [path.basename(file.path), isText(file.path) ? withStablePaths(file.text) : file.text]),
  );
  return {
    source: entry,
    files: {
      ...files,
      // The runtime imports an ES module.
      ...(isCommonJs(options) && { [CODE_FILES.actions]: `export { default } from './${name}';\n` }),
      ...(options.metafile && { 'actions.meta.json': withStablePaths(`${JSON.stringify(metafile, undefined, 1)}\n`) }),
    },
    warnings: [
      ...result.warnings.map((message) => describe(message, directory)),
      ...findFileAccess(code, inputs, directory, options.commandHooks !== undefined),
    ],
  };
}

/** Identifies the files of a bundle by their contents. */
export function hashOf(files: Readonly<Record<string, string>>): string {
  return createHash('sha256').update(JSON.stringify(files)).digest('hex');
}

function isText(file: string): boolean {
  return /\.(mjs|cjs|map)$/.test(file);
}

/** Prefers the native esbuild, if npm has installed it for this platform, to the bundled WebAssembly build. */
function loadEsbuild(): Pick<typeof esbuild, 'buildSync'> {
  for (const name of ['esbuild', 'esbuild-wasm']) {
    try {
      // eslint-disable-next-line @typescript-eslint/no-require-imports
      return require(name);
    } catch {
      // Not installed, or installed for another platform.
    }
  }
  throw new Error('Cannot load esbuild or esbuild-wasm. Reinstall cdk-lambda-fsm.');
}

/** The errors in the actions, or in the options of esbuild. */
function failuresOf(error: unknown): readonly esbuild.Message[] {
  if (typeof error === 'object' && error !== null && 'errors' in error && Array.isArray(error.errors)) {
    return error.errors;
  }
  if (error instanceof Error && /^(Invalid|Expected|"\w+" must|Cannot|Must)/.test(error.message)) {
    return [
      { id: '', pluginName: '', text: `bundling: ${error.message}`, location: null, notes: [], detail: undefined },
    ];
  }
  throw error;
}

function describe({ location, text, notes }: esbuild.Message, directory: string): string {
  const hints = notes.map((note) => `\n${note.text}`).join('');
  if (!location) return `${text}${hints}`;
  const place = `${path.resolve(directory, location.file)}:${location.line}:${location.column + 1}`;
  return `${place}: ${text}${hints}\n${location.line} | ${location.lineText}`;
}
