import { wakeUpEnvelope } from '../envelope/create';
import type { Envelope } from '../envelope/envelope';
import type { Lock, Mailbox, WaitingMail } from '../ports';

/** The lock of a parked execution, as far as a wake-up needs it. */
export type Parked = Pick<
  Lock,
  'executionId' | 'incarnation' | 'machine' | 'state' | 'step' | 'fence' | 'mail' | 'accepts'
>;

/**
 * Finds the mail that a parked execution takes: the first one whose event its state handles.
 *
 * The step that parked may have been woken by a mail itself. Its commit was the park, so its mail is removed only now, and always before
 * anyone looks for the next one.
 */
export async function nextMail(
  mailbox: Pick<Mailbox, 'first' | 'remove'>,
  parked: Parked,
): Promise<WaitingMail | undefined> {
  if (parked.mail !== undefined && !isTimeout(parked.mail)) await mailbox.remove(parked.executionId, parked.mail);
  return mailbox.first(parked, parked.accepts ?? [], parked.step);
}

/**
 * The envelope that wakes a parked execution. It carries no mail: the invocation that receives it takes the first one.
 *
 * No mail is lost, and none is taken twice:
 *
 *     parker   ── commits the park ── looks into the mailbox ── wakes
 *     sender          ── puts the mail ── reads the lock ── wakes if it is parked
 *
 * If the sender does not see the park, it put its mail before the parker looked. If both wake the execution, the first acquisition wins: it
 * stores its mail in the lock, and every attempt at the step has that mail.
 */
export function wakeUpOf(parked: Parked, sentAt: number): Envelope {
  const { executionId, incarnation, machine, step, fence, state } = parked;
  return wakeUpEnvelope({ executionId, incarnation, machine, step, fence }, { state, sentAt });
}

/** In place of the key of a mail: the step was woken by its timeout. */
export const TIMEOUT = '$timeout';

export function isTimeout(mail: string): boolean {
  return mail === TIMEOUT;
}
