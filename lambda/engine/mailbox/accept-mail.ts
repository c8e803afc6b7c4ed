import { EventConflictError } from '../errors';
import type { ClientPorts, Lock, Mail } from '../ports';

/**
 * Puts an event into the mailbox of an execution, once.
 *
 * An event is for the execution that exists when it is sent. If none exists, it is early, and the next execution takes it. The id of an
 * early event may be known from an execution whose record has expired; then it counts as new:
 *
 *     early send ── id known from incarnation X ── reads the lock ──┬─ X: a duplicate, X began in the meantime
 *                                                                   ├─ none: X is forgotten, puts the event
 *                                                                   └─ another: puts the event for that one
 *
 * @param lock the lock of the execution, if it exists
 * @returns the key of the mail, or nothing if it is a duplicate
 * @throws EventConflictError if the id is known with another event or other data
 */
export async function acceptMail(
  { locks, mailbox }: Pick<ClientPorts, 'locks' | 'mailbox'>,
  executionId: string,
  lock: Lock | undefined,
  mail: Mail,
): Promise<string | undefined> {
  let current = lock;
  let forgotten: string | undefined;
  for (;;) {
    const result = await mailbox.put({ executionId, incarnation: current?.incarnation, forgotten }, mail);
    if (result.accepted) return result.key;
    if (!current && result.incarnation !== undefined) {
      current = await locks.read(executionId);
      forgotten = result.incarnation;
      if (current?.incarnation !== result.incarnation) continue;
    }
    if (!result.same) throw new EventConflictError(executionId, mail);
    return undefined;
  }
}
