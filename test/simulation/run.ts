import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from './bundle';
import { PORTS_KINDS } from './setting';
import { runWorker } from './workers';
import { EVENT_SOURCE_KINDS } from '../../lambda/testing/simulation/scenario';

/** Number of violations after which the run ends. Each is printed in full. */
const MAX_VIOLATIONS = 3;

const USAGE = `Runs the engine over simulated services under faults, and checks the invariants of the protocol.

  npm run simulate -- [--seeds N] [--seed S] [--source ${EVENT_SOURCE_KINDS.join(',')}]
    [--lock-store ${PORTS_KINDS.join(',')}] [--time-limit TIME]

  --seeds       number of seeds (default 1000, or as many as the time limit allows)
  --seed        first seed; without --seeds, only this one runs, and its trace is printed
  --source      primary event sources to draw from (default all)
  --lock-store  lock stores to draw from (default all): "table" and "cache" run the adapters over simulated AWS services, "memory" runs the
                ports of the test kit
  --time-limit  time after which no further seed starts, in seconds or with a unit: 90, 90s, 5m, 1h`;

function parse() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      source: { type: 'string' },
      'lock-store': { type: 'string' },
      'time-limit': { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const whole = (name: 'seeds' | 'seed', otherwise: number) => {
    const value = values[name] === undefined ? otherwise : Number(values[name]);
    if (!(value >= 0)) throw new Error(`Invalid --${name} "${values[name]}": expected a number.\n\n${USAGE}`);
    return value;
  };
  const some = <Kind extends string>(name: 'source' | 'lock-store', kinds: readonly Kind[]) =>
    (values[name]?.split(',') ?? kinds).map((chosen) => {
      const kind = kinds.find((known) => known === chosen);
      if (!kind) throw new Error(`Invalid --${name} "${chosen}": expected ${kinds.join(', ')}.\n\n${USAGE}`);
      return kind;
    });
  const limit = values['time-limit'] === undefined ? Infinity : secondsOf(values['time-limit']);
  const single = values.seed !== undefined && values.seeds === undefined && values['time-limit'] === undefined;
  return {
    seeds: whole('seeds', single ? 1 : limit === Infinity ? 1_000 : Number.MAX_SAFE_INTEGER),
    // Fresh seeds each time, so that many short runs cover as much as one long run.
    first: whole('seed', Date.now() % 1_000_000_000),
    sources: some('source', EVENT_SOURCE_KINDS),
    ports: some('lock-store', PORTS_KINDS),
    end: Date.now() + limit * 1_000,
    verbose: single,
  };
}

/** @param text a number, with or without a unit */
function secondsOf(text: string): number {
  const [, amount, unit] = /^(\d+)([smh]?)$/.exec(text) ?? [];
  if (amount === undefined) {
    throw new Error(`Invalid --time-limit "${text}": expected a time such as 90, 90s, 5m or 1h.\n\n${USAGE}`);
  }
  return Number(amount) * (unit === 'h' ? 3_600 : unit === 'm' ? 60 : 1);
}

async function main(): Promise<void> {
  const { seeds, first, sources, ports, end, verbose } = parse();
  const folder = mkdtempSync(join(tmpdir(), 'simulation-'));
  const began = Date.now();
  const total = { seeds: 0, steps: 0, faults: 0 };
  const violated: number[] = [];
  const stop = new AbortController();
  try {
    const file = join(folder, 'simulation.cjs');
    await bundle(file);
    const threads = Math.min(availableParallelism(), seeds);
    console.log(
      `Running seeds from ${first} over ${sources.join(', ')}, with locks in ${ports.join(', ')}, in ${threads} threads.`,
    );
    let reported = began;
    await Promise.all(
      Array.from({ length: threads }, (_, index) =>
        runWorker(
          file,
          {
            first: first + index,
            stride: threads,
            count: Math.ceil((seeds - index) / threads),
            sources,
            ports,
            end,
            brief: false,
            verbose,
          },
          (message) => {
            if (message.kind === 'progress') {
              total.seeds += message.seeds;
              total.steps += message.steps;
              total.faults += message.faults;
              if (Date.now() - reported > 10_000) {
                reported = Date.now();
                console.log(`${total.seeds} seeds, ${violated.length} violated`);
              }
            } else if (message.kind === 'violation') {
              if (message.violations.length > 0) violated.push(message.seed);
              console.log(`\n${message.report}\n`);
              if (violated.length >= MAX_VIOLATIONS) stop.abort('violated');
            }
          },
          stop.signal,
        ),
      ),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const seconds = (Date.now() - began) / 1_000;
  const { user, system } = process.cpuUsage();
  const cost = (user + system) / 1_000 / Math.max(1, total.seeds);
  console.log(
    `${total.seeds} seeds (${first} to ${first + total.seeds - 1}), ${total.steps} actions, ${total.faults} faults in ${seconds.toFixed(1)} s; ${cost.toFixed(1)} ms of processor time per seed.`,
  );
  if (total.seeds === 0) {
    console.error('The time limit was too short for a single seed.');
    process.exitCode = 1;
  } else if (violated.length > 0) {
    console.log(
      `${violated.length} seeds broke an invariant: ${violated
        .sort((a, b) => a - b)
        .join(', ')}.${stop.signal.aborted ? ` The run ended after ${MAX_VIOLATIONS} of them.` : ''}`,
    );
    process.exitCode = 1;
  } else {
    console.log('No invariant was broken.');
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
