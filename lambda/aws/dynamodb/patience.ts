import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { fullJitter } from '../../engine/retries/backoff';
import { FsmError } from '../../machine/fsm-error';
import { isThrottling } from '../batches/throttled';
import type { BrokerSystem } from '../broker';

/** How long a throttled request is repeated, in milliseconds. A partition recovers from a burst of 1,000 events within seconds. */
const PATIENCE_MS = 20_000;

/** The pauses between two requests. */
const BACKOFF = { baseSeconds: 0.025, capSeconds: 1 };

/** The errors, beside those of throttling, and the reasons of a canceled transaction that pass by themselves. */
const TEMPORARY = /^Transaction(Conflict|InProgress)|^TimeoutError$/;

/** The mailbox was throttled during the whole time for which a request is repeated, so the event may not have been accepted. */
export class MailboxBusyError extends FsmError {
  public override readonly name = 'MailboxBusyError';
  public override readonly code = 'MAILBOX_BUSY';

  constructor(cause: unknown) {
    super(
      `The mailbox was throttled or busy for ${PATIENCE_MS / 1_000} seconds. Send the event again with the same id.`,
      { cause, retryable: true },
    );
  }
}

/**
 * Repeats a request that DynamoDB throttles: many senders at once exceed the capacity of a partition for a few seconds.
 *
 * @throws MailboxBusyError if the request is throttled for too long
 */
export async function persist<Answer>(
  { clock, random }: BrokerSystem,
  request: () => Promise<Answer>,
): Promise<Answer> {
  const until = clock.now() + PATIENCE_MS;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await request();
    } catch (thrown) {
      if (!isTemporary(thrown)) throw thrown;
      if (clock.now() >= until) throw new MailboxBusyError(thrown);
      await clock.sleep(fullJitter(BACKOFF, attempt, random));
    }
  }
}

function isTemporary(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  if (!(thrown instanceof TransactionCanceledException)) return passes(thrown.name);
  const reasons = (thrown.CancellationReasons ?? []).map(({ Code = '' }) => Code);
  return reasons.some(passes) && !reasons.includes('ValidationError');
}

function passes(name: string): boolean {
  return TEMPORARY.test(name) || isThrottling({ name });
}
