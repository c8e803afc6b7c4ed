import { Rendezvous } from './batcher';
import { decodeEnvelope } from './codec';
import { asError } from './errors';
import { CircuitBreakers, Outbox } from './outbox';
import type { Due, DueStore, Invocation, Ports } from './ports';

/** The store is asked again at least this often, since something may have been added that is due sooner. In milliseconds. */
const LONGEST_PAUSE = 1_000;

/** Time kept for the last requests, in milliseconds. */
const RESERVE = 3_000;

/**
 * Sends on what falls due in a store until `until`, and returns early when nothing does.
 *
 * An envelope is removed only when an event source has taken it, so it is sent at least once: the protocol recognises what comes twice.
 *
 * @param until milliseconds since the epoch: when the next timer takes over
 */
export async function sendDue(ports: Ports, store: DueStore, until: number, invocation: Invocation): Promise<void> {
  const { clock } = ports;
  const breakers = new CircuitBreakers(clock);
  const end = Math.min(until, invocation.deadline - RESERVE);
  while (clock.now() < end) {
    let next = Number.POSITIVE_INFINITY;
    for await (const page of store.due(end)) {
      const now = clock.now();
      const ripe = page.filter(({ at }) => at <= now);
      const sent = await sendOn(ports, breakers, ripe);
      await store.remove(sent);
      const unripe = page.find(({ at }) => at > now);
      if (unripe) next = Math.min(next, unripe.at);
      if (sent.length < ripe.length) next = Math.min(next, now + LONGEST_PAUSE);
    }
    if (next > end) return;
    await clock.sleep(Math.max(0, Math.min(next - clock.now(), LONGEST_PAUSE)));
  }
}

/** @returns what an event source has taken, and what can never be sent and was put aside */
async function sendOn(ports: Ports, breakers: CircuitBreakers, ripe: readonly Due[]): Promise<readonly Due[]> {
  const rendezvous = new Rendezvous();
  // Not the retry queues: it would come straight back.
  const outbox = new Outbox({ ...ports, retryQueues: [] }, rendezvous, 0, breakers);
  const results = await Promise.all(ripe.map((due) => rendezvous.work(async () => {
    const decoded = decodeEnvelope(due.body);
    if ('envelope' in decoded) return await outbox.dispatch({ envelope: decoded.envelope, body: due.body }) ? due : undefined;
    return await bury(ports, due, decoded.problems) ? due : undefined;
  })));
  return results.filter((due) => due !== undefined);
}

/** @returns whether it was put aside: one that was not must not keep the others from being removed */
async function bury({ deadLetters, metrics, logger, clock }: Ports, { key, body }: Due, problems: readonly string[]): Promise<boolean> {
  const reason = `The message is no envelope: ${problems.join('; ')}.`;
  try {
    await deadLetters.put({ reason, body, place: { service: 'retry queue', resource: key }, at: clock.now() });
  } catch (thrown) {
    logger.error(`A message of a retry queue was not put aside as a dead letter: ${asError(thrown).message}`);
    return false;
  }
  metrics.count('DeadLetter');
  return true;
}
