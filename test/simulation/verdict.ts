import type { Model } from './model';
import { walk } from './walk';
import { marksOf } from './workload';
import type { Checkpoint, Lock } from '../../lambda/engine';
import type { MachineInput } from '../../lambda/machine';

/**
 * I2: the context that an execution has come to rest with tells each step that counts, and these must be a walk through the definition.
 */
export function judgeRest(model: Model, definitions: readonly MachineInput[], lock: Lock, checkpoint: Checkpoint | undefined): void {
  const { executionId, status, step } = lock;
  if (!checkpoint?.context) {
    model.wrong('I1', executionId, `is ${status} at step ${step}, but its context is not in the journal`);
    return;
  }
  const walked = walk(definitions, marksOf(checkpoint.context));
  if (typeof walked === 'string') {
    model.wrong('I2', executionId, walked);
    return;
  }
  const machine = definitions[0];
  const state = machine?.states[walked.state];
  if (walked.step !== step) model.wrong('I2', executionId, `is ${status} at step ${step}, but the last step that counts is ${walked.step}`);
  if ((status === 'completed') !== (state?.final ?? false)) model.wrong('I2', executionId, `is ${status} in state ${walked.state}`);
  for (const failed of walked.caught) {
    const least = (machine?.states[failed.state]?.maxRetries ?? machine?.maxRetries ?? 0) + 1;
    const tried = model.grantsOf(executionId, failed.step);
    if (tried < least) model.wrong('I2', executionId, `step ${failed.step} into ${failed.state} was given up after ${tried} attempts of ${least}`);
  }
  judgeMails(model, executionId, walked.mails);
  if (status === 'parked') {
    const taken = new Set(walked.mails.map(({ id }) => id));
    const forgotten = model.acceptedBy(executionId).accepted.find(({ id, event }) => !taken.has(id) && state?.on && event in state.on);
    if (forgotten) model.wrong('I1', executionId, `is parked in ${walked.state}, though the event "${forgotten.event}" (${forgotten.id}) was accepted`);
  }
}

/** I1: each event was sent, was taken once, and those of one name in the order in which they were accepted. */
function judgeMails(model: Model, executionId: string, taken: readonly { readonly id: string; readonly event: string }[]): void {
  const { accepted, offered } = model.acceptedBy(executionId);
  if (new Set(taken.map(({ id }) => id)).size < taken.length) {
    model.wrong('I1', executionId, `took an event twice: ${taken.map(({ id }) => id).join(', ')}`);
  }
  for (const [index, { id, event }] of taken.entries()) {
    const sent = offered.get(id);
    if (sent?.event !== event) model.wrong('I1', executionId, `took the event "${event}" (${id}), which nobody sent`);
    const before = taken.slice(0, index);
    const overtaken = accepted.find((mail) => (
      mail.event === event && mail.at < (sent?.at ?? 0) && !before.some((earlier) => earlier.id === mail.id)
    ));
    if (overtaken) model.wrong('I1', executionId, `took "${event}" (${id}) before ${overtaken.id}, which was accepted before it was sent`);
  }
}
