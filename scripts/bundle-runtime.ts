import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { buildSync } from 'esbuild';

const root = join(__dirname, '..');
const assets = join(root, 'assets');
// Made beside what is there and then put in its place: whoever synthesizes meanwhile finds one or the other, and no file of an earlier
// build is left.
const made = join(root, 'assets.new');

try {
  bundleRuntime(join(made, 'runtime'));
  prepareAuthoring(join(made, 'authoring'));
  rmSync(assets, { recursive: true, force: true });
  renameSync(made, assets);
} finally {
  rmSync(made, { recursive: true, force: true });
}

/** The Lambda runtime, with the AWS clients. */
function bundleRuntime(outdir: string): void {
  const { metafile } = buildSync({
    absWorkingDir: root,
    entryPoints: { index: 'lambda/runtime/handler.mts' },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // Each service's client becomes a chunk of its own, loaded by the workflows that use the service.
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    format: 'esm',
    platform: 'node',
    // Not the Node.js of Lambda but the oldest on which a workflow is tried out.
    target: 'node20',
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'none',
    metafile: true,
    // The AWS SDK has CommonJS dependencies, which call require(); an ES module has none.
    banner: { js: 'import { createRequire } from \'node:module\'; const require = createRequire(import.meta.url);' },
    logLevel: 'warning',
  });
  const { outputs } = metafile;
  const total = Object.values(outputs).reduce((sum, { bytes }) => sum + bytes, 0);
  console.log(`${relative(root, join(assets, 'runtime'))}: ${Object.keys(outputs).length} files, ${kilobytes(total)}. Loaded from there at cold start:`);
  const entry = Object.keys(outputs).find((name) => name.endsWith('/index.mjs'));
  if (entry === undefined) throw new Error('The bundle has no index.mjs.');
  const core = closure(outputs, entry);
  console.log(`  ${'always'.padEnd(10)} ${kilobytes(bytesOf(outputs, core)).padStart(9)}`);
  for (const { path, kind } of outputs[entry]!.imports) {
    if (kind !== 'dynamic-import') continue;
    const service = /([^/]+)-[^/-]+\.mjs$/.exec(path)?.[1] ?? path;
    const added = [...closure(outputs, path)].filter((name) => !core.has(name));
    console.log(`  ${service.padEnd(10)} ${kilobytes(bytesOf(outputs, added)).padStart(9)}`);
  }
}

/** What bundles of actions take from this package: ES modules file by file, so that only what is used goes into them. */
function prepareAuthoring(outdir: string): void {
  buildSync({
    absWorkingDir: root,
    entryPoints: ['lambda/machine/**/*.ts', 'lambda/runtime/index.ts'],
    outbase: 'lambda',
    outdir,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  });
  writeFileSync(join(outdir, 'package.json'), `${JSON.stringify({ type: 'module', sideEffects: false }, undefined, 2)}\n`);
}

type Outputs = NonNullable<ReturnType<typeof buildSync>['metafile']>['outputs'];

/** A file and all that is loaded with it. */
function closure(outputs: Outputs, name: string, seen = new Set<string>()): Set<string> {
  if (seen.has(name) || !outputs[name]) return seen;
  seen.add(name);
  for (const { path, kind } of outputs[name].imports) {
    if (kind === 'import-statement') closure(outputs, path, seen);
  }
  return seen;
}

function bytesOf(outputs: Outputs, names: Iterable<string>): number {
  return [...names].reduce((sum, name) => sum + outputs[name]!.bytes, 0);
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KB`;
}
