import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from './bundle';
import { MUTATIONS, type Mutation } from './mutations';
import { PORTS_KINDS, type PortsKind } from './setting';
import { runWorker } from './workers';
import { EVENT_SOURCE_KINDS } from '../../lambda/testing/simulation/scenario';

/** The seeds that must catch each mistake: always the same seeds, so that no result depends on chance. */
const FIRST = 1;
const SEEDS = 4_000;

/** Plants each mistake in turn, and reports those that the simulation does not catch. */
async function main(): Promise<void> {
  const only = process.argv.slice(2).join(' ');
  const mutations = MUTATIONS.filter(({ name }) => name.includes(only));
  const folder = mkdtempSync(join(tmpdir(), 'mutations-'));
  const missed: string[] = [];
  const began = Date.now();
  let next = 0;
  const work = async () => {
    for (let index = next++; index < mutations.length; index = next++) {
      const mutation = mutations[index] as Mutation;
      const caught = await run(mutation, join(folder, `${index}.cjs`));
      if (!caught) missed.push(mutation.name);
      console.log(
        caught
          ? `caught by seed ${String(caught.seed).padStart(4)}: ${mutation.name}\n    ${caught.violation}`
          : `MISSED: ${mutation.name}`,
      );
    }
  };
  try {
    await Promise.all(Array.from({ length: availableParallelism() }, work));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(
    `${mutations.length - missed.length} of ${mutations.length} mistakes were caught, in ${((Date.now() - began) / 1000).toFixed(0)} s.`,
  );
  if (missed.length > 0) {
    console.log(`${SEEDS} seeds did not catch:\n${missed.map((name) => `  ${name}`).join('\n')}`);
    process.exitCode = 1;
  }
}

/** Mutations of the test kit's own ports take effect only with these ports. */
function portsOf({ ports, file }: Mutation): readonly PortsKind[] {
  return ports ?? (file.startsWith('lambda/testing/') ? ['memory'] : PORTS_KINDS);
}

async function run(mutation: Mutation, file: string): Promise<{ seed: number; violation: string } | undefined> {
  await bundle(file, mutation);
  const known = mutation.seed === undefined ? undefined : await search(mutation, file, mutation.seed, 1);
  return known ?? search(mutation, file, FIRST, SEEDS);
}

async function search(
  mutation: Mutation,
  file: string,
  first: number,
  count: number,
): Promise<{ seed: number; violation: string } | undefined> {
  let caught: { seed: number; violation: string } | undefined;
  await runWorker(
    file,
    {
      first,
      stride: 1,
      count,
      sources: EVENT_SOURCE_KINDS,
      ports: portsOf(mutation),
      end: Infinity,
      brief: true,
      verbose: false,
    },
    (message) => {
      if (message.kind === 'violation') caught ??= { seed: message.seed, violation: message.violations[0] ?? '' };
    },
  );
  return caught;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
