import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildSync } from 'esbuild';

const root = join(__dirname, '..');

/**
 * Compiles the client to ES modules, with one file for everything that is loaded together. Bundlers take them through the `module` condition
 * of package.json's `exports`: they drop unused exports of ES modules only, and wrap each file that is loaded on demand. Node.js ignores the
 * condition, so a process never loads the client twice.
 */
export function buildEsm(outdir: string): void {
  // The names of the files contain hashes of their contents.
  rmSync(resolve(root, outdir), { recursive: true, force: true });
  buildSync({
    absWorkingDir: root,
    entryPoints: ['client', 'client/lock-cache'].map((name) => `lambda/${name}/index.ts`),
    outbase: 'lambda',
    outdir,
    bundle: true,
    splitting: true,
    packages: 'external',
    chunkNames: 'chunks/[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  });
  writeFileSync(resolve(root, outdir, 'package.json'), `${JSON.stringify({ type: 'module' }, undefined, 2)}\n`);
}

if (require.main === module) buildEsm('lambda-lib/esm');
