/** Timeout of the function, and visibility timeout of the queue, which the construct sets to six times as long. In milliseconds. */
export const TIMEOUT = 5_000;
const VISIBILITY_TIMEOUT = 6 * TIMEOUT;

/** An outage of a service. Times are in milliseconds after the start. */
export interface Outage {
  readonly service: 'sqs' | 'dynamodb';
  readonly begin: number;
  readonly end: number;
}

const OUTAGE = 5_000;
const PERIOD = 60_000;
/** Period before an outage in which the throughput is measured. */
const BEFORE = 20_000;
/** Messages returned to the queue in an outage become visible again after the visibility timeout, and are then retried. */
const RECOVERY = VISIBILITY_TIMEOUT + 5_000;
/** Period of the highest throughput after an outage that is compared. */
const FASTEST = 10_000;
/** At the start, code is compiled and caches are filled. */
const WARM_UP = 30_000;

/** Returns the time from which memory is measured. */
export function endOfWarmUp(length: number): number {
  return Math.max(WARM_UP, length / 4);
}

/** Returns one outage for each minute except the first and the last, of SQS and DynamoDB in turn. */
export function outagesOf(length: number): Outage[] {
  const services = ['sqs', 'dynamodb'] as const;
  return Array.from({ length: Math.floor(length / PERIOD) - 1 }, (_, n) => {
    const begin = (n + 1) * PERIOD;
    return { service: services[n % services.length]!, begin, end: begin + OUTAGE };
  });
}

/** Progress of the soak test at a point in time. */
export interface Progress {
  readonly at: number;
  readonly transitions: number;
  /** Processor time available to the test so far, in milliseconds. Excludes the time that other processes have used. */
  readonly processor: number;
}

/**
 * Returns transitions per second of available processor time: before an outage, and in the best period between its recovery and the next
 * outage.
 */
export function throughputAround(
  outage: Outage,
  progress: readonly Progress[],
): { readonly before: number; readonly after: number } {
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
  return first && last && last.processor > first.processor
    ? ((last.transitions - first.transitions) / (last.processor - first.processor)) * 1000
    : 0;
}
