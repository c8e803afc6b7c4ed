import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { buildSync } from 'esbuild';
import type { OutputChunk } from 'rolldown' with { 'resolution-mode': 'import' };
import { bundleForLambda, loadedWith } from './lambda-bundle';

const root = join(__dirname, '..');
const assets = join(root, 'assets');
// Made beside what is there and then put in its place: whoever synthesizes meanwhile finds one or the other, and no file of an earlier
// build is left.
const made = join(root, 'assets.new');

async function main(): Promise<void> {
  try {
    report(await bundleForLambda('lambda/runtime/handler.mts', join(made, 'runtime'), /\/lambda\/(engine|aws)\/[^/]+\.ts$/));
    prepareAuthoring(join(made, 'authoring'));
    rmSync(assets, { recursive: true, force: true });
    renameSync(made, assets);
  } finally {
    rmSync(made, { recursive: true, force: true });
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

/** Prints what a cold start loads of the runtime: always, and for each service. */
function report(chunks: readonly OutputChunk[]): void {
  console.log(`${relative(root, join(assets, 'runtime'))}: ${chunks.length} files, ${kilobytes(chunks)}. Loaded from there at cold start:`);
  const always = loadedWith(chunks, 'index.mjs');
  const line = (what: string, loaded: readonly OutputChunk[]) => {
    console.log(`  ${what.padEnd(12)} ${kilobytes(loaded).padStart(9)} in ${loaded.length === 1 ? 'one file' : `${loaded.length} files`}`);
  };
  line('always', [...always]);
  for (const { fileName, name, facadeModuleId } of chunks) {
    if (!facadeModuleId?.startsWith(join(root, 'lambda', 'aws'))) continue;
    line(name, [...loadedWith(chunks, fileName)].filter((chunk) => !always.has(chunk)));
  }
}

function kilobytes(chunks: readonly OutputChunk[]): string {
  const bytes = chunks.reduce((sum, { code }) => sum + Buffer.byteLength(code), 0);
  return `${(bytes / 1024).toFixed(1)} KB`;
}

void main();
