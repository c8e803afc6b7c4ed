import { isCallback } from './callback';
import { encodeEnvelope } from './codec';
import { ENVELOPE_VERSION, type Envelope } from './envelope';
import { nextMail, NOTHING_TAKEN, take } from './mailbox-position';
import type { Checkpoint, Dispatch, Lock, Ports } from './ports';

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
  const { executionId, step, fence } = lock;
  const parked = await ports.journal.read(executionId, step, fence);
  if (!parked?.context) {
    // The checkpoint is written before the park is committed, so this store has lost what it had acknowledged.
    throw new Error(`Execution "${executionId}" is parked at step ${step}, but the checkpoint of that step is not in the checkpoint table.`);
  }
  return wakeParked(ports, parked);
}

/**
 * The same, for an execution that was parked a moment ago. If it has gone on since, the envelope is a duplicate.
 *
 * @param parked the checkpoint of the park, which must be committed
 */
export async function wakeParked(ports: Pick<Ports, 'mailbox' | 'clock'>, parked: Checkpoint): Promise<Dispatch | undefined> {
  const { executionId, machine, definition, step, fence, context = {}, states } = parked;
  const mails = await ports.mailbox.list(executionId);
  const position = parked.mailbox ?? NOTHING_TAKEN;
  const mail = nextMail(position, mails, parked.accepts ?? [], step);
  if (!mail) return undefined;
  const envelope: Envelope = {
    version: ENVELOPE_VERSION,
    executionId,
    machine,
    definition,
    step: step + 1,
    parent: fence,
    attempt: 0,
    // The last of several, if local transitions led on.
    state: states.at(-1) ?? null,
    event: mail.event,
    context,
    data: mail.data,
    mailbox: take(position, mail.position, mails, step),
    mail: mail.position,
    abandonsTask: isCallback(mail) ? undefined : true,
    trace: parked.trace,
    sentAt: ports.clock.now(),
  };
  return { envelope, body: encodeEnvelope(envelope) };
}
