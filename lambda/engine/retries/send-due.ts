import { IdleTracker } from '../dispatch/batcher';
import { CircuitBreakers, EnvelopeSender } from '../dispatch/envelope-sender';
import { forward } from '../dispatch/forward';
import type { Due, DueStore, Invocation, Ports } from '../ports';
import { within } from '../within';

/** Longest time between two queries of a shard, in milliseconds: a new entry may be due sooner than those already seen. */
const MAX_QUERY_INTERVAL_MS = 1_000;

/**
 * Time in which no page begins, in milliseconds: at most this, and at most a third of the invocation. A page takes longer under load, so the
 * time is also a multiple of the slowest page so far.
 */
const MAX_RESERVE_MS = 3_000;
const RESERVED_SHARE = 1 / 3;
const RESERVED_PAGES = 2;

/** Time in which requests are no longer waited for, in milliseconds: at most this, and at most a quarter of the invocation. */
const MAX_ANSWER_RESERVE_MS = 1_500;
const ANSWER_SHARE = 1 / 4;

/** The shards that an invocation reads: those whose number is `index` modulo `count`. */
export interface TimerPart {
  readonly index: number;
  readonly count: number;
}

/** All shards. */
export const WHOLE: TimerPart = { index: 0, count: 1 };

/**
 * Dispatches what falls due in stores until `until`. Returns early when nothing more falls due by then. Reads all shards at the same time,
 * so that no shard waits for another one, looks at the time before each page, and ends before the invocation even if a service does not
 * answer.
 *
 * An envelope is removed only after an event source has accepted it, so it is sent at least once. The protocol recognizes duplicates.
 *
 * @param until when the next timer starts, in milliseconds since the epoch
 * @param part the shards of each store that this invocation reads
 * @throws the first error of a shard, after all shards have ended; or an error if requests are not answered before the end of the invocation
 */
export async function sendDue(
  ports: Ports,
  stores: readonly DueStore[],
  until: number,
  invocation: Invocation,
  { index, count }: TimerPart = WHOLE,
): Promise<void> {
  const { clock } = ports;
  const left = Math.max(0, invocation.deadline - clock.now());
  const timer = new Timer(ports, until, invocation, Math.min(MAX_RESERVE_MS, left * RESERVED_SHARE));
  const failures: unknown[] = [];
  const served = stores.flatMap((store) =>
    Array.from({ length: store.shards }, (_, shard) => shard)
      .filter((shard) => shard % count === index)
      .map((shard) => timer.serve(store, shard).catch((thrown: unknown) => failures.push(thrown))),
  );
  const answerReserve = Math.min(MAX_ANSWER_RESERVE_MS, left * ANSWER_SHARE);
  if (!(await within(clock, invocation.deadline - answerReserve, Promise.all(served)))) {
    failures.push(
      new Error(
        'The retries that are due were not all sent: a service did not answer in time. The next timer continues.',
      ),
    );
  }
  if (failures.length > 0) throw failures[0];
}

/** Serves the shards of the stores during one invocation. */
class Timer {
  private readonly breakers: CircuitBreakers;

  /** @param reserve time in which no page begins, in milliseconds */
  constructor(
    private readonly ports: Ports,
    private readonly until: number,
    private readonly invocation: Invocation,
    private reserve: number,
  ) {
    this.breakers = new CircuitBreakers(ports.clock);
  }

  /** Dispatches what falls due in a shard until the end. */
  public async serve(store: DueStore, shard: number): Promise<void> {
    const { clock } = this.ports;
    while (clock.now() < this.end) {
      const next = await this.pass(store, shard);
      if (next > this.end) return;
      await clock.sleep(Math.max(0, Math.min(next - clock.now(), MAX_QUERY_INTERVAL_MS)));
    }
  }

  /** @returns when the next entry is due, in milliseconds since the epoch */
  private async pass(store: DueStore, shard: number): Promise<number> {
    const { clock, metrics } = this.ports;
    let next = Number.POSITIVE_INFINITY;
    for await (const page of store.due(this.end, shard)) {
      const now = clock.now();
      if (now >= this.end) return next;
      const ripe = page.filter(({ at }) => at <= now);
      if (ripe[0]) metrics.measure('RetryLateness', now - ripe[0].at);
      const sent = await dispatchRipe(this.ports, this.breakers, ripe);
      await store.remove(sent);
      this.reserve = Math.max(this.reserve, RESERVED_PAGES * (clock.now() - now));
      if (sent.length < ripe.length) next = Math.min(next, now + MAX_QUERY_INTERVAL_MS);
      const unripe = page.find(({ at }) => at > now);
      // The entries are sorted by due time, so the rest is due later.
      if (unripe) return Math.min(next, unripe.at);
    }
    return next;
  }

  /** When to stop: in time for the last page, in milliseconds since the epoch. */
  private get end(): number {
    return Math.min(this.until, this.invocation.deadline - this.reserve);
  }
}

/** @returns the entries that an event source accepted, and the invalid ones that were dead-lettered */
async function dispatchRipe(ports: Ports, breakers: CircuitBreakers, ripe: readonly Due[]): Promise<readonly Due[]> {
  const idle = new IdleTracker();
  // Without the retry queues: they would return the envelope immediately.
  const sender = new EnvelopeSender(ports.eventSources, ports, idle, 0, breakers);
  const messages = ripe.map(({ key, body }) => ({ body, place: { service: 'retry queue', resource: key } }));
  const sent = await forward(ports, sender, idle, messages);
  return ripe.filter((_, index) => sent[index]);
}
