import type { ExecutionsContext } from './context';
import type { SendOptions } from './send';
import { assertEvent, assertEventData } from './validate';
import { wake } from './wake';
import { quote } from '../../machine/quote';
import { alternatives, InvalidRequestError, InvalidTokenError } from '../errors';
import { acceptMail } from '../mailbox/accept-mail';
import { callbackMailId, isGenuine, readToken } from '../mailbox/callback-token';
import { hasEnded } from '../ports/lock-store';

/** Options of the event of a callback token. */
export type CompleteOptions = Pick<SendOptions, 'data'>;

/** The outcome of a callback token: its event is stored, or the execution no longer waits for it. */
export type CompleteResult = 'accepted' | 'spent';

/** Verifies a callback token, stores its event in the mailbox, and wakes the execution if it is parked. */
export async function complete(
  context: ExecutionsContext,
  token: string,
  event: string,
  { data }: CompleteOptions = {},
): Promise<CompleteResult> {
  const { locks, mailbox } = context.ports;
  const claim = readToken(token);
  const known = claim && (await mailbox.readSecret(claim, claim.step));
  if (!claim || !known || !isGenuine(claim, known.secret)) throw new InvalidTokenError();
  const { executionId, incarnation, step } = claim;
  const before = await locks.read(executionId);
  if (before?.incarnation !== incarnation || before.step > step || hasEnded(before)) return 'spent';
  assertEvent(event);
  assertEventData(data);
  // Local transitions may lead to several states in one step, so only the lock of a parked execution knows the very events.
  const expected = before.step === step && before.status === 'parked' ? (before.accepts ?? []) : known.events;
  assertExpected(executionId, event, expected);
  const accepted = await acceptMail(context.ports, executionId, before, {
    id: callbackMailId(step, event),
    event,
    data,
    step,
  });
  const lock = await locks.read(executionId);
  if (hasEnded(lock) && accepted !== undefined) await mailbox.remove(executionId, accepted);
  if (lock?.step === step && lock.status === 'parked' && lock.accepts?.includes(event)) {
    await wake(context, lock, `the event "${event}" of the callback token`);
  }
  return 'accepted';
}

function assertExpected(executionId: string, event: string, expected: readonly string[]): void {
  if (expected.includes(event)) return;
  throw new InvalidRequestError(
    `Execution "${executionId}" does not wait for the event ${quote(event)}: expected ${alternatives(expected)}.`,
  );
}
