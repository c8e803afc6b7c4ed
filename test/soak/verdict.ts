import type { Audit } from './audit';
import { growthOf, type HeapSample } from './heap';
import { throughputAround, type Outage, type Progress } from './schedule';

/** Maximum growth in bytes for each action, beyond three standard errors. Leaking one context would add 700 bytes. */
const MAX_GROWTH = 100;
/** Maximum growth in bytes in total. Connections and compiled code also take memory after the warm-up. */
const MAX_TOTAL_GROWTH = 3 * 2 ** 20;
/** Minimum throughput after an outage, as a share of the throughput before it. */
const MIN_THROUGHPUT = 0.6;

/** The result of one check of the soak test. */
export interface Finding {
  readonly what: string;
  readonly measured: string;
  readonly problems: readonly string[];
}

export function judgeMemory(samples: readonly HeapSample[]): Finding {
  const growths = growthOf(samples);
  const problems = growths
    .filter(({ bytes, error, total }) => bytes - 3 * error > MAX_GROWTH && total > MAX_TOTAL_GROWTH)
    .map(
      ({ environment, bytes }) =>
        `The memory of environment ${environment} grows by ${bytes.toFixed(0)} bytes for each action.`,
    );
  if (growths.length === 0) problems.push('No environment ran long enough to measure the growth of its memory.');
  return {
    what: "growth of the function's memory for each action",
    measured: growths
      .map(
        ({ bytes, error, total }) => `${bytes.toFixed(0)} ± ${error.toFixed(0)} bytes (${megabytes(total)} in total)`,
      )
      .join(', '),
    problems,
  };
}

export function judgeThroughput(outages: readonly Outage[], progress: readonly Progress[]): Finding[] {
  const services = [...new Set(outages.map(({ service }) => service))];
  return services.map((service) => {
    const own = outages.filter((outage) => outage.service === service);
    const around = own.map((outage) => ({ outage, ...throughputAround(outage, progress) }));
    const bad = around.filter(({ before, after }) => before === 0 || after < MIN_THROUGHPUT * before);
    return {
      what: `transitions per second of processor time, before and after outages of ${service}`,
      measured: around.map(({ before, after }) => `${before.toFixed(0)} → ${after.toFixed(0)}`).join(', '),
      problems: bad.map(
        ({ outage, before, after }) =>
          `The throughput did not recover after the outage of ${service} at ${outage.begin / 1000} s: ${before.toFixed(0)} → ${after.toFixed(0)}.`,
      ),
    };
  });
}

export function judgeExecutions(started: number, { endings, problems }: Audit): Finding {
  return {
    what: `${started} executions`,
    measured: Object.entries(endings)
      .map(([status, count]) => `${count} ${status}`)
      .join(', '),
    problems,
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}
