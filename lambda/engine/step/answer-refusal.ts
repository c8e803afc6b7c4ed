import { deadLetter, deadLetterForged } from './dead-letter';
import type { DeliveryScope } from './delivery-scope';
import { postpone, postponeUntilFree } from './postpone';
import { count } from './report';
import { Suspect } from './suspect';
import { emptyMailbox, leaveRunning } from './tidy';
import { wakeExecution } from './wake-execution';
import type { Envelope } from '../envelope/envelope';
import { classifyRefusal } from '../locks/refusal';
import type { AcquireRequest, Lock, Outcome } from '../ports';
import { hasEnded } from '../ports/lock-store';
import { soon } from '../retries/waits';

/**
 * Answers the source for an envelope whose lease was refused.
 *
 * @param lock the lock that refused it, if the execution has one
 * @returns the answer for the source, or a suspect that may run only alone
 */
export async function answerRefusal(
  scope: DeliveryScope,
  envelope: Envelope,
  request: AcquireRequest,
  lock: Lock | undefined,
): Promise<Outcome | Suspect> {
  const reason = classifyRefusal(request, lock);
  await finishCleanup(scope, envelope, lock);
  switch (reason.kind) {
    case 'busy':
      count(scope, 'Busy', envelope);
      return postponeUntilFree(scope, envelope, reason.until);
    case 'taken':
      await deadLetter(
        scope,
        `The executionId is in use by an execution of the machine "${reason.machine}": start with another executionId.`,
        envelope,
      );
      return 'acknowledge';
    case 'forged':
      // It was counted in the name of the other machine.
      await leaveRunning(scope, envelope, request.redriven + 1);
      await deadLetterForged(scope, envelope, reason.machine);
      return 'acknowledge';
    case 'suspect':
      return new Suspect(envelope, reason.lock);
    case 'parked':
      count(scope, 'Duplicate', envelope);
      await wakeExecution(scope, reason.lock);
      return 'acknowledge';
    case 'failed':
      // Another copy reopened the execution first, or it has failed again since.
      return postpone(scope, envelope, soon(scope.ports.clock.now(), scope.ports.random));
    case 'duplicate':
      count(scope, 'Duplicate', envelope);
      return 'acknowledge';
    case 'orphan':
      count(scope, 'Orphan', envelope);
      return 'acknowledge';
    case 'unknown':
      await deadLetter(scope, `The envelope belongs to no known execution: ${reason.reason}.`, envelope);
      return 'acknowledge';
  }
}

/** Repeats the cleanup of an execution that is over: the invocation that ended it may have died before its own cleanup. */
async function finishCleanup(scope: DeliveryScope, envelope: Envelope, lock: Lock | undefined): Promise<void> {
  if (lock && (hasEnded(lock) || lock.status === 'failed')) await leaveRunning(scope, envelope, lock.fence);
  if (hasEnded(lock)) await emptyMailbox(scope, lock);
}
