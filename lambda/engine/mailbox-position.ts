import type { MailboxPosition } from './envelope';
import type { Mail } from './ports';

/**
 * Most events that may wait in a mailbox: the position, which each envelope carries, may name all of them, and an envelope has 4 KiB left
 * for it.
 */
export const MAX_WAITING_MAILS = 500;

/** The position of an execution that has taken nothing yet. */
export const NOTHING_TAKEN: MailboxPosition = { through: 0, deferred: [] };

/** Whether the execution has not taken that mail yet. */
function isWaiting(position: MailboxPosition, mail: number): boolean {
  return mail > position.through || position.deferred.includes(mail);
}

/**
 * The mail that a parked execution goes on with: of those that wait, the earliest whose event its state handles.
 *
 * Whoever looks gets the same answer, since mails are numbered in the order in which they become visible: the parker and any
 * number of senders may all wake the execution, and all send the same envelope.
 *
 * @param mails what is in the mailbox, by position.
 * @param step the step in which the execution is parked: what came with the callback token of another is for nobody any more
 */
export function nextMail(position: MailboxPosition, mails: readonly Mail[], accepts: readonly string[], step: number): Mail | undefined {
  return mails.find((mail) => isWaiting(position, mail.position) && accepts.includes(mail.event) && (mail.step ?? step) === step);
}

/**
 * The position after a mail was taken. The mails that it overtook stay deferred, but for those that came with the callback token of this
 * step or of one before, which is spent.
 *
 * @param mails what is in the mailbox
 * @param step the step in whose wait the mail was taken
 */
export function take(position: MailboxPosition, mail: number, mails: readonly Mail[], step: number): MailboxPosition {
  const over = new Set([mail, ...mails.filter((other) => other.step !== undefined && other.step <= step).map((other) => other.position)]);
  const deferred = [...position.deferred];
  // Also those that are not in the list: a query may miss an entry that is written while it looks.
  for (let overtaken = position.through + 1; overtaken < mail; overtaken++) deferred.push(overtaken);
  return { through: Math.max(position.through, mail), deferred: deferred.filter((waiting) => !over.has(waiting)) };
}
