import { HIDDEN } from './stack';

/** A service is down for some seconds. Times in milliseconds after the begin. */
export interface Outage {
  readonly service: 'sqs' | 'dynamodb';
  readonly begin: number;
  readonly end: number;
}

const OUTAGE = 5_000;
const PERIOD = 60_000;
/** How long the throughput is measured before an outage. */
const BEFORE = 20_000;
/** What was given back in an outage comes again when it is not hidden any more, and then takes its retries. */
const RECOVERY = HIDDEN + 5_000;
/** The fastest so many milliseconds after an outage count: the machine has other things to do, too. */
const FASTEST = 10_000;
/** In the beginning code is compiled and caches fill. */
const WARM_UP = 30_000;

/** The memory is judged from here on. */
export function endOfWarmUp(length: number): number {
  return Math.max(WARM_UP, length / 4);
}

/** One outage each minute, but for the first and the last: SQS and DynamoDB by turns. */
export function outagesOf(length: number): Outage[] {
  const services = ['sqs', 'dynamodb'] as const;
  return Array.from({ length: Math.floor(length / PERIOD) - 1 }, (_, n) => {
    const begin = (n + 1) * PERIOD;
    return { service: services[n % services.length]!, begin, end: begin + OUTAGE };
  });
}

/** How many transitions there have been at a time. */
export interface Progress {
  readonly at: number;
  readonly transitions: number;
}

/** Transitions a second in the time before an outage, and in the best time between its end, when it must be overcome, and the next one. */
export function throughputAround(outage: Outage, progress: readonly Progress[]): { readonly before: number; readonly after: number } {
  const [from, to] = [outage.end + RECOVERY, outage.begin + PERIOD];
  const starts = progress.map(({ at }) => at).filter((at) => at >= from && at + FASTEST <= to);
  return {
    before: throughput(progress, outage.begin - BEFORE, outage.begin),
    after: Math.max(0, ...starts.map((start) => throughput(progress, start, start + FASTEST))),
  };
}

function throughput(progress: readonly Progress[], from: number, to: number): number {
  const within = progress.filter(({ at }) => at >= from && at <= to);
  const [first, last] = [within[0], within.at(-1)];
  return first && last && last.at > first.at ? (last.transitions - first.transitions) / (last.at - first.at) * 1000 : 0;
}
