import type { ExecutionsContext } from './context';
import { encode } from './sending/sender';
import { wakeUpOf } from '../mailbox/wake';
import type { Lock } from '../ports';

/**
 * Wakes a parked execution.
 *
 * @param what names the event in the message of the error
 * @throws NotDispatchedError if the event is stored, but the execution could not be woken
 */
export async function wake({ ports, sender }: ExecutionsContext, parked: Lock, what: string): Promise<void> {
  await sender.send(
    encode(wakeUpOf(parked, ports.clock.now())),
    `the envelope that wakes execution "${parked.executionId}" for ${what}, which is stored`,
  );
}
