/** How long an invocation may take, and for how long a queue hides what it has delivered: six times as long, as the construct does it. */
export const TIMEOUT = 5_000;
const HIDDEN = 6 * TIMEOUT;

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
/** The fastest so many milliseconds after an outage count. */
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

/** How far the soak has come at a time. */
export interface Progress {
  readonly at: number;
  readonly transitions: number;
  /** Milliseconds of processor time that it has used so far, or could have used: nobody has. What others used could not be had. */
  readonly processor: number;
}

/**
 * Transitions in a second of the processor time that was to be had: before an outage, and in the best time between its end, when it must
 * be overcome, and the next one.
 */
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
  return first && last && last.processor > first.processor
    ? (last.transitions - first.transitions) / (last.processor - first.processor) * 1000
    : 0;
}
