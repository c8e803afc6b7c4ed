import { parentPort, workerData } from 'node:worker_threads';
import { report } from './report';
import type { Choice } from './setting';
import { simulateSeed, type Result } from './simulation';
import { Trace } from './trace';
import { shrink } from '../../lambda/testing/simulation/shrink';

/** The task of a worker. */
export interface Task extends Choice {
  readonly first: number;
  readonly stride: number;
  readonly count: number;
  /** Milliseconds since the epoch after which no further seed starts. */
  readonly end: number;
  /** Reports only the first violated seed, without shrinking its faults. */
  readonly brief: boolean;
  /** Also reports the trace of seeds without a violation. */
  readonly verbose: boolean;
}

/** A message from a worker. */
export type Message =
  | { readonly kind: 'progress'; readonly seeds: number; readonly steps: number; readonly faults: number }
  | {
      readonly kind: 'violation';
      readonly seed: number;
      readonly violations: readonly string[];
      readonly report: string;
    }
  | { readonly kind: 'done' };

const PROGRESS = 100;

async function work(task: Task, post: (message: Message) => void): Promise<void> {
  let progress = { seeds: 0, steps: 0, faults: 0 };
  const postProgress = () => {
    post({ kind: 'progress', ...progress });
    progress = { seeds: 0, steps: 0, faults: 0 };
  };
  for (let index = 0; index < task.count && Date.now() < task.end; index += 1) {
    const seed = task.first + index * task.stride;
    const result = await simulateSeed(seed, task).catch((thrown: unknown) => {
      throw new Error(`The simulation of seed ${seed} threw an error.`, { cause: thrown });
    });
    progress = {
      seeds: progress.seeds + 1,
      steps: progress.steps + result.steps,
      faults: progress.faults + result.hits.length,
    };
    if (progress.seeds >= PROGRESS) postProgress();
    if (result.violations.length === 0 && !task.verbose) continue;
    post({
      kind: 'violation',
      seed,
      violations: result.violations,
      report: task.brief ? '' : await explain(result, task),
    });
    if (task.brief) break;
  }
  postProgress();
  post({ kind: 'done' });
}

/** Finds the fewest faults that break the same invariant, and reports the run with them. */
async function explain(result: Result, choice: Choice): Promise<string> {
  const { seed } = result.setting;
  const { sources, ports } = choice;
  const broken = new Set(result.violations.map(invariantOf));
  const fewest =
    result.violations.length === 0
      ? result.hits
      : await shrink(result.hits, async (faults) =>
          (await simulateSeed(seed, { sources, ports, faults })).violations.some((violation) =>
            broken.has(invariantOf(violation)),
          ),
        );
  const trace = new Trace();
  const again = await simulateSeed(seed, { sources, ports, faults: fewest, trace });
  return report(again, choice, fewest, trace, result);
}

function invariantOf(violation: string): string {
  return violation.slice(0, violation.indexOf(' '));
}

const port = parentPort;
// Only worker threads load the bundle, and each has a task.
if (port) void work(workerData as Task, (message) => port.postMessage(message));
