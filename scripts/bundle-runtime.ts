import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const root = join(__dirname, '..');
const outdir = join(root, 'assets', 'runtime');

// A chunk that an earlier build left behind would be shipped, and would change the asset's hash.
rmSync(outdir, { recursive: true, force: true });

buildSync({
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
  // The oldest Node.js among the Lambda runtimes that the constructs offer.
  target: 'node22',
  mainFields: ['module', 'main'],
  minify: true,
  legalComments: 'none',
  // The AWS SDK has CommonJS dependencies, which call require(); an ES module has none.
  banner: { js: 'import { createRequire } from \'node:module\'; const require = createRequire(import.meta.url);' },
  logLevel: 'info',
});
