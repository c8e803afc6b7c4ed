import { readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { build, type Plugin } from 'esbuild';
import type { Mutation } from './mutations';

const root = join(__dirname, '../..');

/**
 * Bundles the simulation into one JavaScript file that worker threads load quickly, with or without a planted mistake.
 *
 * @throws Error if the snippet of the mutation does not occur exactly once
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
  if (mutation && !applied.has(mutation.file)) {
    throw new Error(
      `Mutation "${mutation.name}": ${mutation.file} is not part of the simulation. Set the file of the mutation to the one that contains the code.`,
    );
  }
}

/** Replaces a snippet of one file while it is bundled. */
function plant(mutation: Mutation, applied: Set<string>): Plugin {
  return {
    name: 'mutation',
    setup: ({ onLoad }) =>
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (relative(root, path).split(sep).join('/') !== mutation.file) return undefined;
        applied.add(mutation.file);
        return { contents: mutate(readFileSync(path, 'utf8'), mutation), loader: 'ts' };
      }),
  };
}

/** @throws Error if the snippet does not occur exactly once */
export function mutate(source: string, { name, file, replace, by }: Mutation): string {
  const [before, after, ...more] = source.split(inAnyLayout(replace));
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(
      `Mutation "${name}": ${file} contains "${replace}" ${more.length > 0 ? 'more than once' : 'not at all'}; expected exactly once. Adapt the mutation to the code.`,
    );
  }
  return before + by + after;
}

/** Matches a snippet in any layout of the formatter. */
function inAnyLayout(snippet: string): RegExp {
  const words = snippet
    .trim()
    .split(/\s+/)
    .map((word) => word.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&'));
  return new RegExp(words.join('\\s*').replaceAll(',', ',\\s*').replaceAll('\\(', '\\(\\s*'));
}
