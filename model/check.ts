/**
 * Checks the models of the protocol exhaustively with Spin, and checks that they catch each planted mistake.
 *
 *     npm run model                 all models
 *     npm run model -- start        one of them
 *
 * Spin compiles a model into a program that visits every order of events within the bounds of the run.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MUTATIONS, SOUND, type Run } from './runs';

const run = promisify(execFile);

/** Limits of one run. */
const MAX_RUN_MS = 10 * 60_000;
const MAX_MEMORY_MB = 3_500;

/** Number of concurrent runs. */
const PARALLEL = 2;

/** Search depth: more than any run needs. */
const DEPTH = 100_000;

/** Violations of these mean that the model is too small for its bounds, not that the protocol is wrong. */
const CAPACITY_ASSERTIONS = ['waiting<', 'lockFence<'];

interface Result {
  readonly run: Run;
  readonly states: number;
  readonly seconds: number;
  /** The violated property. */
  readonly violated?: string;
  /** Why the run has no result. */
  readonly broken?: string;
}

async function main(): Promise<void> {
  installSpin();
  checkThatAllMutationsRun();
  const [only] = process.argv.slice(2);
  const results = await inParallel(
    [...SOUND, ...MUTATIONS].filter(({ model }) => only === undefined || model === only),
  );
  const failed = results.filter((result) => !isAsExpected(result)).length;
  console.log(`${results.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

function installSpin(): void {
  const isReady = () => works('spin', '-V') && works('cc', '--version');
  if (isReady()) return;
  console.log('Spin or a C compiler is not installed. Installing both with apt-get.');
  if (
    works('apt-get', 'update') &&
    works('apt-get', 'install', '-y', '--no-install-recommends', 'spin', 'gcc', 'libc6-dev') &&
    isReady()
  ) {
    return;
  }
  throw new Error(
    'Spin and a C compiler are required to check the models, and apt-get could not install them. ' +
      'Install the packages "spin" and "gcc" (in Homebrew: "spin") and try again.',
  );
}

function works(command: string, ...parameters: string[]): boolean {
  try {
    execFileSync(command, parameters, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
    return true;
  } catch {
    return false;
  }
}

/** Checks that each mistake in a model has a run, and each run its mistake. Otherwise a mistake would seem to be caught. */
function checkThatAllMutationsRun(): void {
  for (const model of ['start', 'transitions', 'mailbox']) {
    const planted = new Set(MUTATIONS.filter((mutation) => mutation.model === model).map(({ mutation }) => mutation));
    const written = new Set(
      readFileSync(join(__dirname, `${model}.pml`), 'utf8')
        .match(/MUTATE_[A-Z_]+/g)
        ?.filter((name) => name !== 'MUTATE_'),
    );
    for (const name of written) {
      if (!planted.has(name)) {
        throw new Error(`model/${model}.pml has ${name}, but model/runs.ts does not plant it. Add a run to MUTATIONS.`);
      }
    }
    for (const name of planted) {
      if (!written.has(name ?? '')) {
        throw new Error(`model/runs.ts plants ${name}, but model/${model}.pml does not contain it.`);
      }
    }
  }
}

async function inParallel(runs: readonly Run[]): Promise<readonly Result[]> {
  const results: Result[] = [];
  const queue = runs.entries();
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      for (const [index, next] of queue) {
        const result = await check(next);
        results[index] = result;
        console.log(lineOf(result));
      }
    }),
  );
  return results;
}

async function check(planned: Run): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'model-'));
  const started = Date.now();
  const flags = [
    ...Object.entries(planned.bounds).map(([name, value]) => `-D${name}=${value}`),
    ...(planned.mutation === undefined ? [] : [`-D${planned.mutation}`]),
    ...(planned.fair ? ['-DFAIR'] : []),
  ];
  try {
    const inFolder = { cwd: folder, maxBuffer: 64 * 1_048_576, timeout: MAX_RUN_MS };
    await run('spin', ['-a', ...flags, join(__dirname, `${planned.model}.pml`)], inFolder);
    // Liveness with fairness needs to track which process moves; safety does not.
    const kind = planned.fair ? ['-DNFAIR=4'] : ['-DSAFETY'];
    // A violation is found quickly, so compilation time dominates.
    const optimisation = planned.mutation === undefined ? '-O2' : '-O0';
    await run(
      'cc',
      [optimisation, '-w', ...kind, '-DCOLLAPSE', '-DVECTORSZ=2048', `-DMEMLIM=${MAX_MEMORY_MB}`, '-o', 'pan', 'pan.c'],
      inFolder,
    );
    const { stdout } = await run(
      './pan',
      [`-m${DEPTH}`, ...(planned.fair ? ['-a', '-f', '-N', 'ends'] : [])],
      inFolder,
    );
    return { run: planned, seconds: (Date.now() - started) / 1_000, ...read(stdout) };
  } catch (thrown) {
    const broken = thrown instanceof Error ? thrown.message : String(thrown);
    return { run: planned, seconds: (Date.now() - started) / 1_000, states: 0, broken };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function read(output: string): Pick<Result, 'states' | 'violated' | 'broken'> {
  const states = Number(/(\d+) states, stored/.exec(output)?.[1] ?? 0);
  const errors = /errors: (\d+)/.exec(output)?.[1];
  const violated = /^pan:1: (.*)$/m.exec(output)?.[1];
  const tooSmall = CAPACITY_ASSERTIONS.find((condition) => violated?.includes(condition));
  if (tooSmall !== undefined) return { states, broken: `the model is too small for these bounds: ${violated}` };
  if (violated !== undefined) return { states, violated };
  if (errors !== '0' || /max search depth too small|out of memory|Search not completed/.test(output)) {
    return { states, broken: output.trim().split('\n').slice(0, 5).join(' ') };
  }
  return { states };
}

function isAsExpected({ run: { mutation }, violated, broken }: Result): boolean {
  return broken === undefined && (violated !== undefined) === (mutation !== undefined);
}

function lineOf(result: Result): string {
  const {
    run: { model, mutation, bounds, fair },
    states,
    seconds,
    violated,
    broken,
  } = result;
  const within = Object.entries(bounds)
    .map(([name, value]) => `${name.toLowerCase()} ${value}`)
    .join(', ');
  const what = mutation ?? `${fair ? 'ends' : 'holds'} with ${within || 'no fault'}`;
  const came =
    broken ??
    (mutation === undefined ? (violated ?? 'holds') : violated === undefined ? 'NOT CAUGHT' : `caught: ${violated}`);
  return `${isAsExpected(result) ? 'ok  ' : 'FAIL'} ${model.padEnd(12)} ${what}: ${came} (${states} states, ${seconds.toFixed(1)} s)`;
}

main().catch((thrown: unknown) => {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exitCode = 1;
});
