import { join } from 'node:path';
import type { OutputChunk } from 'rolldown' with { 'resolution-mode': 'import' };

/**
 * Bundles a Lambda function with its AWS clients, so that a cold start reads few files and nothing that it does not run.
 *
 * What is imported dynamically becomes a chunk of its own. What several chunks share goes into one, `core`, since each file costs a cold
 * start a fraction of a millisecond; a bundler left to itself makes one of each combination of chunks. The entry is not in it: it may await
 * a chunk at its top level, and that chunk would wait for the entry if it took what it shares from there.
 *
 * @param entry the function's source; it becomes `index.mjs`
 * @param core which modules go into `core`, with all that they import
 */
export async function bundleForLambda(entry: string, outdir: string, core: RegExp): Promise<readonly OutputChunk[]> {
  const { rolldown } = await import('rolldown');
  const bundle = await rolldown({
    cwd: join(__dirname, '..'),
    input: { index: entry },
    platform: 'node',
    // What the compiler calls `.js` is `.ts` here.
    resolve: { mainFields: ['module', 'main'], extensionAlias: { '.js': ['.ts', '.js'] } },
    tsconfig: false,
    // Not the Node.js of Lambda but the oldest on which a workflow is tried out.
    transform: { target: 'node20' },
  });
  try {
    const { output } = await bundle.write({
      dir: outdir,
      format: 'esm',
      entryFileNames: '[name].mjs',
      chunkFileNames: 'chunks/[name]-[hash].mjs',
      codeSplitting: { groups: [{ name: 'core', test: core }] },
      minify: true,
      comments: false,
    });
    return output.filter((file) => file.type === 'chunk');
  } finally {
    await bundle.close();
  }
}

/** The chunks that are loaded together with one. */
export function loadedWith(chunks: readonly OutputChunk[], fileName: string, loaded = new Set<OutputChunk>()): Set<OutputChunk> {
  // Those of Node.js are none.
  const chunk = chunks.find((candidate) => candidate.fileName === fileName);
  if (!chunk || loaded.has(chunk)) return loaded;
  loaded.add(chunk);
  for (const imported of chunk.imports) loadedWith(chunks, imported, loaded);
  return loaded;
}
