import type { ExecutionsContext } from './context';
import { assertEvent, assertEventData, assertEventId, assertExecutionId } from './validate';
import { wake } from './wake';
import type { Json } from '../../machine/action';
import { alternatives, ExecutionEndedError, InvalidRequestError } from '../errors';
import { acceptMail } from '../mailbox/accept-mail';
import type { Lock } from '../ports';
import { hasEnded } from '../ports/lock-store';

/** Options of an event. */
export interface SendOptions {
  /**
   * Identifies the event within its execution: 1 to 256 characters that do not begin with `$`. Events with the same id count once, so a
   * failed send can be repeated with the same event and data. An id is remembered as long as ended executions are: 30 days by default.
   *
   * @default - a random UUID
   */
  readonly id?: string;
  /**
   * The `run.data` of the transition's actions: plain JSON, at most 60 KiB.
   *
   * @default - no data
   */
  readonly data?: Json;
}

/**
 * The outcome of an event:
 * - `woken`: the execution waits in a state that handles the event, and has been woken;
 * - `waiting`: the event waits in the mailbox for a later state that handles it;
 * - `early`: no execution has this id yet; the next one takes the event. It expires after 400 days if none does;
 * - `duplicate`: an event with the same id, name and data was accepted before. The execution is woken again if it waits for the event.
 */
export type SendResult = 'woken' | 'waiting' | 'early' | 'duplicate';

/**
 * Stores an event in the mailbox of an execution, and wakes the execution if it waits for the event. The cost does not depend on the number
 * of waiting events, nor on the size of the context.
 */
export async function send(
  context: ExecutionsContext,
  executionId: string,
  event: string,
  options: SendOptions = {},
): Promise<SendResult> {
  const { ports } = context;
  const { id = ports.random.id(), data } = options;
  assertExecutionId(executionId);
  assertEvent(event);
  assertEventId(id);
  assertEventData(data);
  // An event for an execution that exists is for its incarnation only: it must not reach a later execution with the same id.
  const before = await ports.locks.read(executionId);
  assertNotEnded(before);
  assertHandled(before, event);
  const accepted = await acceptMail(ports, executionId, before, { id, event, data });
  // Read again: an execution that parks after this read finds the event.
  const lock = await ports.locks.read(executionId);
  if (hasEnded(lock) && accepted !== undefined) await ports.mailbox.remove(executionId, accepted);
  assertNotEnded(lock);
  const isAwaited = lock?.status === 'parked' && lock.accepts?.includes(event);
  if (isAwaited) await wake(context, lock, `the event "${event}" with the id "${id}"`);
  if (accepted === undefined) return 'duplicate';
  return isAwaited ? 'woken' : lock ? 'waiting' : 'early';
}

function assertNotEnded(lock: Lock | undefined): void {
  if (hasEnded(lock)) throw new ExecutionEndedError(lock.executionId, lock.status);
}

/** Refuses an event that neither the state of the execution nor a later one handles: nothing would ever take it. */
function assertHandled(lock: Lock | undefined, event: string): void {
  if (!lock?.handles || lock.handles.includes(event)) return;
  const { executionId, machine, state, handles } = lock;
  throw new InvalidRequestError(
    `Execution "${executionId}" of machine "${machine}" cannot take the event "${event}": neither its state "${state}" nor a later state handles it. ` +
      (handles.length === 0 ? 'No state from there on handles any event.' : `Expected ${alternatives(handles)}.`),
  );
}
