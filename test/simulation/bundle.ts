import { readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { build, type Plugin } from 'esbuild';
import type { Mutation } from './mutations';

const root = join(__dirname, '../..');

/**
 * The simulation as one file of JavaScript, which worker threads load in a moment: with the sources as they are, or with one mistake.
 *
 * @param outfile where it is put
 * @throws Error when what the mutation replaces is not found exactly once
 */
export async function bundle(outfile: string, mutation?: Mutation): Promise<void> {
  const applied = new Set<string>();
  await build({
    absWorkingDir: root,
    entryPoints: ['test/simulation/worker.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'silent',
    plugins: mutation ? [plant(mutation, applied)] : [],
  });
  if (mutation && !applied.has(mutation.file)) throw new Error(`Mutation "${mutation.name}": ${mutation.file} is no part of the simulation any more.`);
}

/** Replaces a snippet of one file while it is bundled. */
function plant(mutation: Mutation, applied: Set<string>): Plugin {
  return {
    name: 'mutation',
    setup: ({ onLoad }) => onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (relative(root, path).split(sep).join('/') !== mutation.file) return undefined;
      applied.add(mutation.file);
      return { contents: mutate(readFileSync(path, 'utf8'), mutation), loader: 'ts' };
    }),
  };
}

/** @throws Error when what is to be replaced is not found exactly once */
export function mutate(source: string, { name, file, replace, by }: Mutation): string {
  const [before, after, ...more] = source.split(replace);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`Mutation "${name}": ${file} has "${replace}" ${more.length > 0 ? 'more than once' : 'no more'}. Adapt the mutation to the code.`);
  }
  return before + by + after;
}
