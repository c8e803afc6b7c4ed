import type { Audit } from './audit';
import { growthOf, type HeapSample } from './heap';
import { throughputAround, type Outage, type Progress } from './schedule';

/** Bytes for each action that memory may grow by, beyond three times what the measurement is uncertain by. A context alone has 700. */
const MOST_GROWTH = 100;
/** Bytes by which it may grow in all: connections and compiled code come late, too. */
const MOST_IN_ALL = 3 * 2 ** 20;
/** The share of the throughput before an outage that there must be again after it. */
const LEAST_THROUGHPUT = 0.6;

/** One thing that the soak has looked at. */
export interface Finding {
  readonly what: string;
  readonly measured: string;
  readonly problems: readonly string[];
}

export function judgeMemory(samples: readonly HeapSample[]): Finding {
  const growths = growthOf(samples);
  const problems = growths
    .filter(({ bytes, error, total }) => bytes - 3 * error > MOST_GROWTH && total > MOST_IN_ALL)
    .map(({ environment, bytes }) => `The memory of environment ${environment} grows by ${bytes.toFixed(0)} bytes with each action.`);
  if (growths.length === 0) problems.push('No environment lived long enough to tell whether its memory grows.');
  return {
    what: 'memory of the function, growth with each action',
    measured: growths.map(({ bytes, error, total }) => `${bytes.toFixed(0)} ± ${error.toFixed(0)} bytes (${megabytes(total)} in all)`).join(', '),
    problems,
  };
}

export function judgeThroughput(outages: readonly Outage[], progress: readonly Progress[]): Finding[] {
  const services = [...new Set(outages.map(({ service }) => service))];
  return services.map((service) => {
    const own = outages.filter((outage) => outage.service === service);
    const around = own.map((outage) => ({ outage, ...throughputAround(outage, progress) }));
    const bad = around.filter(({ before, after }) => before === 0 || after < LEAST_THROUGHPUT * before);
    return {
      what: `transitions in a second of processor time, around outages of ${service}`,
      measured: around.map(({ before, after }) => `${before.toFixed(0)} → ${after.toFixed(0)}`).join(', '),
      problems: bad.map(({ outage, before, after }) => (
        `The throughput did not come back after the outage of ${service} at ${outage.begin / 1000} s: ${before.toFixed(0)} → ${after.toFixed(0)}.`
      )),
    };
  });
}

export function judgeExecutions(started: number, { endings, problems }: Audit): Finding {
  return {
    what: `${started} executions`,
    measured: Object.entries(endings).map(([status, count]) => `${count} ${status}`).join(', '),
    problems,
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}
