import type { ExecutionsContext } from './context';
import { early } from './list-events';
import { assertEventId, assertExecutionId } from './validate';
import { wake } from './wake';

/**
 * The outcome of a drop:
 * - `dropped`: the execution never takes the event;
 * - `taken`: the execution has taken the event, or its present state is taking it;
 * - `unknown`: no event with this id waits.
 */
export type DropResult = 'dropped' | 'taken' | 'unknown';

/**
 * Drops a waiting event. The event is hidden first, so that no invocation finds it any more, and the lock then tells whether an invocation
 * may have found it before:
 *
 *     invocation   ── finds the event ── acquires the step with it
 *     drop                  ── hides it ── reads the lock: parked in a state that handles the event: shows it again
 */
export async function dropEvent(context: ExecutionsContext, executionId: string, id: string): Promise<DropResult> {
  const { locks, mailbox } = context.ports;
  assertExecutionId(executionId);
  assertEventId(id);
  const before = await locks.read(executionId);
  const mail = await mailbox.find(before ?? early(executionId), id);
  if (!mail || !(await mailbox.hide(executionId, mail.key, true))) return 'unknown';
  const lock = await locks.read(executionId);
  const isAwaited = lock?.status === 'parked' && lock.accepts?.includes(mail.event);
  if (lock?.mail !== mail.key && !isAwaited) {
    // A step may have taken it and removed it in the meantime.
    return (await mailbox.remove(executionId, mail.key)) ? 'dropped' : 'taken';
  }
  await mailbox.hide(executionId, mail.key, false);
  if (isAwaited) await wake(context, lock, `the event "${mail.event}" with the id "${id}"`);
  return 'taken';
}
