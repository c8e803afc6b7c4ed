import { join } from 'node:path';
import type { OutputChunk } from 'rolldown' with { 'resolution-mode': 'import' };

/**
 * Bundles a Lambda function with its AWS clients, so that a cold start reads few files and no unused code.
 *
 * Every dynamic import becomes a chunk. Modules that several chunks share go into one chunk, `core`, because each file costs a cold start a
 * fraction of a millisecond; by default, a bundler creates one chunk for each combination of chunks. The entry is not part of `core`: it may
 * await a chunk at its top level, and that chunk would wait for the entry if it imported shared modules from there.
 *
 * @param entry the source of the function, which becomes `index.mjs`
 * @param core matches the modules of `core`, which also contains their imports
 */
export async function bundleForLambda(entry: string, outdir: string, core: RegExp): Promise<readonly OutputChunk[]> {
  const { rolldown } = await import('rolldown');
  const bundle = await rolldown({
    cwd: join(__dirname, '..'),
    input: { index: entry },
    platform: 'node',
    // The sources import `.js`, as the compiled modules are named.
    resolve: { mainFields: ['module', 'main'], extensionAlias: { '.js': ['.ts', '.js'] } },
    tsconfig: false,
    // The oldest Node.js on which workflows run locally, rather than the Node.js of Lambda.
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

/** The chunks that a chunk loads, including itself. */
export function loadedWith(
  chunks: readonly OutputChunk[],
  fileName: string,
  loaded = new Set<OutputChunk>(),
): Set<OutputChunk> {
  // Modules of Node.js are not chunks.
  const chunk = chunks.find((candidate) => candidate.fileName === fileName);
  if (!chunk || loaded.has(chunk)) return loaded;
  loaded.add(chunk);
  for (const imported of chunk.imports) loadedWith(chunks, imported, loaded);
  return loaded;
}
