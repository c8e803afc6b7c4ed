import { encodeEnvelope } from './codec';
import { ENVELOPE_VERSION, type Envelope } from './envelope';
import { nextMail, NOTHING_TAKEN, take } from './mailbox-position';
import type { Dispatch, Lock, Ports } from './ports';

/**
 * The envelope that wakes a parked execution, if a mail waits that its state handles.
 *
 * A mail is never forgotten, and never taken twice:
 *
 *     parker   ── checkpoint ── commit(parked) ── looks into the mailbox ── wakes
 *     sender          ── puts the mail ── looks at the lock ── wakes if it is parked
 *
 * If the sender sees no park, its mail was there before the parker looked. If both see both, both take the same mail
 * ({@link nextMail}) and send the same envelope, with the parked attempt's fence as parent: one of them is a duplicate.
 *
 * @param lock the lock of the execution, read after the mail was put
 * @returns nothing when the execution is not parked, or no mail fits
 */
export async function wakeUp(ports: Pick<Ports, 'journal' | 'mailbox' | 'clock'>, lock: Lock): Promise<Dispatch | undefined> {
  if (lock.status !== 'parked') return undefined;
  const { executionId } = lock;
  const [parked, mails] = await Promise.all([
    ports.journal.read(executionId, lock.step, lock.fence),
    ports.mailbox.list(executionId),
  ]);
  if (!parked?.context) {
    // The checkpoint is written before the park is committed, so this store has lost what it had acknowledged.
    throw new Error(`Execution "${executionId}" is parked at step ${lock.step}, but the checkpoint of that step is not in the checkpoint table.`);
  }
  const position = parked.mailbox ?? NOTHING_TAKEN;
  const mail = nextMail(position, mails, parked.accepts ?? [], lock.step);
  if (!mail) return undefined;
  const envelope: Envelope = {
    version: ENVELOPE_VERSION,
    executionId,
    machine: parked.machine,
    definition: parked.definition,
    step: lock.step + 1,
    parent: lock.fence,
    attempt: 0,
    // Not the state of the lock, which was written before local transitions led on.
    state: parked.states.at(-1) ?? lock.state,
    event: mail.event,
    context: parked.context,
    data: mail.data,
    mailbox: take(position, mail.position),
    mail: mail.position,
    trace: parked.trace,
    sentAt: ports.clock.now(),
  };
  return { envelope, body: encodeEnvelope(envelope) };
}
