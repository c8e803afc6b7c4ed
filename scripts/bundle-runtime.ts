import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { buildSync } from 'esbuild';
import type { OutputChunk } from 'rolldown' with { 'resolution-mode': 'import' };
import { bundleForLambda, loadedWith } from './lambda-bundle';

const root = join(__dirname, '..');
const assets = join(root, 'assets');
// Built next to the previous assets and then renamed, so that a concurrent synth finds either build, and no file of an earlier build
// remains.
const staging = join(root, 'assets.new');

async function main(): Promise<void> {
  try {
    report(
      await bundleForLambda(
        'lambda/runtime/handler.mts',
        join(staging, 'runtime'),
        /\/lambda\/(contract|engine(\/[a-z-]+)?|aws|aws\/batches)\/[^/]+\.ts$/,
      ),
    );
    prepareAuthoring(join(staging, 'authoring'));
    prepareCheck(join(staging, 'check'));
    rmSync(assets, { recursive: true, force: true });
    renameSync(staging, assets);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Compiles the modules that bundles of actions import from this package, one ES module for each file, so that bundlers drop unused code. */
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
  writeFileSync(
    join(outdir, 'package.json'),
    `${JSON.stringify({ type: 'module', sideEffects: false }, undefined, 2)}\n`,
  );
}

/** Bundles the program that checks an actions file at synth. */
function prepareCheck(outdir: string): void {
  buildSync({
    absWorkingDir: root,
    entryPoints: { 'check-actions': 'lambda/runtime/check-actions.mts' },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  });
}

/** Prints the files that a cold start loads: always, and for each service. */
function report(chunks: readonly OutputChunk[]): void {
  console.log(
    `${relative(root, join(assets, 'runtime'))}: ${chunks.length} files, ${kilobytes(chunks)}. Loaded from there at cold start:`,
  );
  const always = loadedWith(chunks, 'index.mjs');
  const line = (what: string, loaded: readonly OutputChunk[]) => {
    console.log(
      `  ${what.padEnd(12)} ${kilobytes(loaded).padStart(9)} in ${loaded.length === 1 ? 'one file' : `${loaded.length} files`}`,
    );
  };
  line('always', [...always]);
  for (const { fileName, name, facadeModuleId } of chunks) {
    if (!facadeModuleId?.startsWith(join(root, 'lambda', 'aws'))) continue;
    line(
      name,
      [...loadedWith(chunks, fileName)].filter((chunk) => !always.has(chunk)),
    );
  }
}

function kilobytes(chunks: readonly OutputChunk[]): string {
  const bytes = chunks.reduce((sum, { code }) => sum + Buffer.byteLength(code), 0);
  return `${(bytes / 1024).toFixed(1)} KB`;
}

void main();
