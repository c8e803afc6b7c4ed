import type { Model } from './model';
import type { Setting } from './setting';
import { walk, type Taken, type Walked } from './walk';
import { marksOf, type Mark } from './workload';
import type { Checkpoint, Lock } from '../../lambda/engine';

/** How a definition has changed, and what that may mean for an execution. */
export interface Upgrade extends Pick<Setting, 'definitions' | 'upgradePolicy'> {
  /** A client has moved it to what was the current definition. */
  readonly moved: boolean;
  /** Milliseconds since the epoch after which nothing runs the first definition that was begun with the second one deployed. */
  readonly lastOfOld: number;
}

/** Milliseconds by which a timeout may seem to come too early: two clocks differ, and an envelope may run a second before its time. */
const EARLY = 6_000;

/**
 * I2: the context that an execution has come to rest with tells each step that counts, and these must be a walk through the definition.
 *
 * @param upgrade how the definition may have changed on the way
 */
export function judgeRest(model: Model, upgrade: Upgrade, lock: Lock, checkpoint: Checkpoint | undefined): void {
  const { executionId, status, step } = lock;
  const { definitions } = upgrade;
  if (!checkpoint?.context) {
    model.wrong('I1', executionId, `is ${status} at step ${step}, but its context is not in the journal`);
    return;
  }
  const walked = follow(upgrade, marksOf(checkpoint.context));
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
  for (const { step: waited, at, seconds } of walked.timeouts) {
    const after = at - model.grantedAt(executionId, waited);
    if (after < seconds * 1_000 - EARLY) model.wrong('I2', executionId, `step ${waited} has waited for ${after} ms, when its timeout of ${seconds} s came`);
  }
  judgeMails(model, executionId, walked.mails);
  if (status === 'parked') {
    const taken = new Set(walked.mails.map(({ id }) => id));
    const forgotten = model.acceptedBy(executionId).accepted
      .find((mail) => !taken.has(mail.id) && state?.on && mail.event in state.on && (mail.step ?? step) === step);
    if (forgotten) model.wrong('I1', executionId, `is parked in ${walked.state}, though the event "${forgotten.event}" (${forgotten.id}) was accepted`);
  }
}

/** Unless a client has moved the execution, its steps follow one of the definitions, or whichever was deployed when they were taken. */
function follow({ definitions, upgradePolicy, moved, lastOfOld }: Upgrade, marks: readonly Mark[]): Walked | string {
  if (upgradePolicy === 'move' || moved) return walk(definitions, marks);
  const walks = definitions.map((definition) => walk([definition], marks));
  const at = walks.findIndex((walked) => typeof walked !== 'string');
  const last = marks.at(-1)?.at ?? 0;
  if (upgradePolicy === 'stop' && at === 0 && typeof walks.at(-1) === 'string' && last > lastOfOld) {
    return `goes on at step ${marks.at(-1)?.step} with the definition that it has begun with, which is to stop`;
  }
  return walks[at] ?? `follows none of the definitions from its beginning on: ${walks.join('; ')}`;
}

/** I1: each event was sent, was taken once, and those of one name in the order in which they were accepted. */
function judgeMails(model: Model, executionId: string, taken: readonly Taken[]): void {
  const { accepted, offered } = model.acceptedBy(executionId);
  if (new Set(taken.map(({ id }) => id)).size < taken.length) {
    model.wrong('I1', executionId, `took an event twice: ${taken.map(({ id }) => id).join(', ')}`);
  }
  for (const [index, { id, event, step }] of taken.entries()) {
    const sent = offered.get(id);
    if (sent?.event !== event) model.wrong('I1', executionId, `took the event "${event}" (${id}), which nobody sent`);
    if (sent?.step !== undefined && sent.step !== step) model.wrong('I1', executionId, `took "${event}" (${id}) in step ${step}, whose token it did not come with`);
    const before = taken.slice(0, index);
    const overtaken = accepted.find((mail) => (
      mail.event === event && (mail.step ?? step) === step && mail.at < (sent?.at ?? 0) && !before.some((earlier) => earlier.id === mail.id)
    ));
    if (overtaken) model.wrong('I1', executionId, `took "${event}" (${id}) before ${overtaken.id}, which was accepted before it was sent`);
  }
}
