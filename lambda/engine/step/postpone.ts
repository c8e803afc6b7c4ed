import type { DeliveryScope } from './delivery-scope';
import type { Envelope } from '../envelope/envelope';
import type { Outcome } from '../ports';
import { EARLY_TOLERANCE_MS, MAX_CIRCULATION_MS, MAX_CIRCULATION_PAUSE_MS, MAX_HOLD_MS } from '../retries/waits';

/**
 * Makes an envelope wait. A queue hides its message until then. For any other source, and for a long wait, a retry queue stores a copy.
 *
 * A copy is a risk. If the answer of the retry queue is lost, both the copy and the original wait; each of them may leave another copy the
 * next time, and so on:
 *
 *     source      ── delivers ── hides ── delivers ── hides ── delivers …          one message
 *     copies      ── delivers ── copy 1, in doubt ── both deliver ── copies 2, 3 … 2, 4, 8 messages
 *
 * @param until milliseconds since the epoch
 * @param body the message, if it must be forwarded unchanged
 * @throws if no queue keeps the envelope, so that the source keeps it
 */
export async function postpone(
  scope: DeliveryScope,
  envelope: Envelope,
  until: number,
  body?: string,
): Promise<Outcome> {
  const { delivery, dispatcher, ports, wakeUp } = scope;
  const holdUntil = Math.min(until, ports.clock.now() + MAX_HOLD_MS);
  if (!delivery.blocking && until <= holdUntil) return { redeliverAt: until };
  // Without this pause, the envelope would circulate through a queue that cannot delay it as fast as the services allow.
  if (delivery.blocking && !dispatcher.canDelay) await pause(scope, until);
  const delivered = await dispatcher.postpone({ ...(wakeUp ?? envelope), notBefore: until }, body);
  if (delivered) return 'acknowledge';
  if (!delivery.blocking) return { redeliverAt: holdUntil };
  throw new Error('No retry queue accepted an envelope that must wait.');
}

/**
 * Whether an envelope would circulate for too long: its source cannot hold it, and no retry queue can delay it. Each round costs an
 * invocation, so waits are limited to a little more than the longest lease.
 *
 * @param waitMs milliseconds that the envelope has waited or must still wait
 */
export function cannotWait({ delivery, dispatcher }: DeliveryScope, waitMs: number): boolean {
  return delivery.blocking && !dispatcher.canDelay && waitMs > MAX_CIRCULATION_MS;
}

async function pause({ deadline, ports: { clock } }: DeliveryScope, until: number): Promise<void> {
  const most = Math.min(MAX_CIRCULATION_PAUSE_MS, deadline.remainingMilliseconds() / 2);
  await clock.sleep(Math.max(0, Math.min(until - clock.now(), most)), deadline.signal);
}

/**
 * Makes an envelope wait for as long as another invocation may run its step. Unlike {@link postpone}, a queue hides its message for any
 * time: the wait ends with a lease, and the message must survive the holder of the lease.
 *
 * @param expires when the lease ends, in milliseconds since the epoch
 */
export async function postponeUntilFree(scope: DeliveryScope, envelope: Envelope, expires: number): Promise<Outcome> {
  // A lease is valid until the end of its last millisecond, and clocks differ.
  const until = Math.max(expires, scope.ports.clock.now()) + EARLY_TOLERANCE_MS;
  return scope.delivery.blocking ? postpone(scope, envelope, until) : { redeliverAt: until };
}

/**
 * Returns a record to its source after a disturbance. A queue redelivers it within seconds, other sources when they choose.
 *
 * @param at milliseconds since the epoch
 */
export function redeliverAt({ delivery }: DeliveryScope, at: number): Outcome {
  return delivery.blocking ? 'redeliver' : { redeliverAt: at };
}
