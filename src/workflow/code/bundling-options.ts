import * as path from 'node:path';
import type * as nodejs from 'aws-cdk-lib/aws-lambda-nodejs';
import type * as esbuild from 'esbuild-wasm';
import { AUTHORING_DIRECTORY } from './built-assets';
import { quoteAll, type ValidationErrors } from '../../shared/validation-errors';

/** The options that configure a container. esbuild and the hooks run on the machine of the app. */
const OF_CONTAINERS = [
  'buildArgs',
  'bundlingFileAccess',
  'command',
  'dockerImage',
  'entrypoint',
  'esbuildVersion',
  'forceDockerBundling',
  'network',
  'platform',
  'securityOpt',
  'user',
  'volumes',
  'volumesFrom',
  'workingDirectory',
] as const satisfies readonly (keyof nodejs.BundlingOptions | 'command')[];

/** Arguments of esbuild whose values are lists, separated by commas. */
const LISTS: readonly string[] = ['conditions', 'mainFields', 'resolveExtensions'];

/** Arguments of esbuild that can be repeated, with a value after a colon. */
const REPEATABLE: readonly string[] = ['drop', 'dropLabels', 'external', 'inject', 'pure'];

/** The modules of the AWS SDK that the Lambda runtime provides. */
const AWS_SDK = ['@aws-sdk/*', '@smithy/*'];

const REQUIRE_BANNER =
  "import { createRequire as __createRequire } from 'node:module'; globalThis.require ??= __createRequire(import.meta.url);";

export function checkBundlingOptions(errors: ValidationErrors, options: nodejs.BundlingOptions): void {
  const ignored = OF_CONTAINERS.filter((name) => name in options);
  if (ignored.length > 0) {
    errors.add(
      `bundling: ${quoteAll(ignored)} would have no effect, because no container bundles the actions. Omit it.`,
    );
  }
  if (options.preCompilation) {
    errors.add(
      'bundling: preCompilation is not supported. Compile the actions with tsc before synthesis, and set actions to the compiled file.',
    );
  }
}

/** Whether the bundle is a CommonJS module. */
export function isCommonJs({ format }: nodejs.BundlingOptions): boolean {
  return format === 'cjs';
}

/**
 * The options of esbuild: those of the CDK's `NodejsFunction`, with other defaults. The bundle is an ES module with a source map, and contains
 * the AWS SDK.
 *
 * @param directory the directory of the actions
 */
export function esbuildOptions(options: nodejs.BundlingOptions, directory: string): esbuild.BuildOptions {
  const commonJs = isCommonJs(options);
  return {
    absWorkingDir: directory,
    bundle: true,
    format: commonJs ? 'cjs' : 'esm',
    platform: 'node',
    // The oldest Node.js that runs workflows locally; Lambda runs a later one.
    target: options.target ?? 'node20',
    // As Node.js resolves packages: `import` and `require` find the file that each of them finds there. By default, esbuild also follows the
    // condition `module`, which would return an ES module to `require`.
    mainFields: options.mainFields ?? ['main', 'module'],
    conditions: [],
    external: [
      ...(options.externalModules ?? []),
      ...(options.nodeModules ?? []),
      ...(options.bundleAwsSDK === false ? AWS_SDK : []),
    ],
    // The package contains the loaders of definitions with their YAML parser, which no function needs. And a CDK app in another language has
    // no node_modules next to the actions.
    alias: Object.fromEntries(
      ['machine', 'runtime'].map((name) => [
        `cdk-lambda-fsm/${name}`,
        path.join(AUTHORING_DIRECTORY, name, 'index.js'),
      ]),
    ),
    // CommonJS dependencies use names that ES modules do not define.
    banner: { js: [commonJs ? '' : REQUIRE_BANNER, options.banner ?? ''].filter(Boolean).join('\n') },
    footer: { js: options.footer ?? '' },
    define: {
      ...(!commonJs && { __dirname: 'import.meta.dirname', __filename: 'import.meta.filename' }),
      ...options.define,
    },
    sourcemap: sourceMapOf(options),
    // Lambda's stack traces contain files and lines, but no source code.
    sourcesContent: options.sourcesContent ?? false,
    keepNames: options.keepNames,
    loader: loadersOf(options),
    tsconfig: options.tsconfig && path.resolve(options.tsconfig),
    charset: options.charset,
    inject: options.inject?.map((file) => path.resolve(file)),
    // Warnings become annotations of the construct. Without bundling, esbuild reports these only to those who ask for them.
    logLevel: 'silent',
    logLimit: 0,
    logOverride: {
      'unsupported-require-call': 'warning',
      'unsupported-dynamic-import': 'warning',
      'indirect-require': 'warning',
    },
    ...argumentsOf(options.esbuildArgs ?? {}),
  };
}

function sourceMapOf({ sourceMap = true, sourceMapMode: mode }: nodejs.BundlingOptions) {
  if (!sourceMap) return false;
  return mode === 'external' || mode === 'inline' || mode === 'both' ? mode : 'linked';
}

function loadersOf({ loader }: nodejs.BundlingOptions): esbuild.BuildOptions['loader'] {
  // The CDK types the loaders as any string. esbuild rejects unknown ones.
  return loader as esbuild.BuildOptions['loader'];
}

/** Converts arguments of the esbuild command to options of its API: `--tree-shaking=true`, `--alias:a=b`, `--drop:console`. */
function argumentsOf(args: Readonly<Record<string, string | boolean>>): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const [argument, value] of Object.entries(args)) {
    const [flag = '', member] = argument.replace(/^--/, '').split(/:(.*)/s);
    const name = flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    if (member === undefined) {
      options[name] = LISTS.includes(name) ? String(value).split(',') : typedValue(value);
    } else if (REPEATABLE.includes(name)) {
      options[name] = [...((options[name] as readonly string[] | undefined) ?? []), member];
    } else {
      options[name] = { ...(options[name] as object | undefined), [member]: String(value) };
    }
  }
  return options;
}

function typedValue(value: string | boolean): unknown {
  if (value === '' || value === 'true') return true;
  if (value === 'false') return false;
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
}
