import type { Model } from './model';
import type { Setting } from './setting';
import { walk, type Taken, type Walked } from './walk';
import { marksOf, type Mark } from './workload';
import type { Checkpoint, Lock } from '../../lambda/engine';

/** A change of the definition, and its consequences for an execution. */
export interface Upgrade extends Pick<Setting, 'definitions' | 'upgradePolicy'> {
  /** A client moved the execution to the current definition. */
  readonly moved: boolean;
  /** Milliseconds since the epoch after which no invocation runs the first definition. */
  readonly lastOfOld: number;
}

/** How early a timeout may appear to arrive, in milliseconds: two clocks differ, and an envelope may run one second early. */
const EARLY_TOLERANCE_MS = 6_000;

/**
 * Checks a parked or completed execution. I2: its context has a mark of each committed step, and the marks must be a walk through the
 * definition.
 *
 * @param upgrade how the definition may have changed since the start
 * @param isInterrupted whether a message of the execution is in the dead-letter queue of its source: the wake-up may depend on it
 */
export function checkAtRest(
  model: Model,
  upgrade: Upgrade,
  lock: Lock,
  checkpoint: Checkpoint | undefined,
  isInterrupted: boolean,
): void {
  const { executionId, status, step } = lock;
  const { definitions } = upgrade;
  if (!checkpoint?.context) {
    model.wrong('I1', executionId, `is ${status} at step ${step}, but its context is not in the journal`);
    return;
  }
  const foreign = ['odd', 'late'].find((name) => checkpoint.context && name in checkpoint.context);
  if (foreign) {
    model.wrong('I5', executionId, `has a context with a value that no context may have (${foreign})`);
    return;
  }
  const walked = follow(upgrade, marksOf(checkpoint.context));
  if (typeof walked === 'string') {
    model.wrong('I2', executionId, walked);
    return;
  }
  const machine = definitions[0];
  const state = machine?.states[walked.state];
  if (walked.step !== step) {
    model.wrong('I2', executionId, `is ${status} at step ${step}, but the last committed step is ${walked.step}`);
  }
  if ((status === 'completed') !== (state?.final ?? false)) {
    model.wrong('I2', executionId, `is ${status} in state ${walked.state}`);
  }
  // If the retry queues refuse the content of a step, its failure is caught without retries.
  const retried = 'refused' in checkpoint.context ? [] : walked.caught;
  for (const failed of retried) {
    const least = (machine?.states[failed.state]?.maxRetries ?? machine?.maxRetries ?? 0) + 1;
    const tried = model.grantsOf(executionId, failed.step);
    if (tried < least) {
      model.wrong(
        'I2',
        executionId,
        `step ${failed.step} into ${failed.state} was caught after ${tried} of ${least} attempts`,
      );
    }
  }
  for (const { step: waited, at, seconds } of walked.timeouts) {
    const after = at - model.grantedAt(executionId, waited);
    if (after < seconds * 1_000 - EARLY_TOLERANCE_MS) {
      model.wrong('I2', executionId, `the timeout of ${seconds} s ended the wait of step ${waited} after ${after} ms`);
    }
  }
  checkMails(model, executionId, walked.mails);
  if (status === 'parked' && !isInterrupted) {
    const taken = new Set(walked.mails.map(({ id }) => id));
    const { accepted, touched } = model.acceptedBy(executionId);
    const forgotten = accepted.find(
      (mail) =>
        !taken.has(mail.id) &&
        !touched.has(mail.id) &&
        state?.on &&
        mail.event in state.on &&
        (mail.step ?? step) === step,
    );
    if (forgotten) {
      model.wrong(
        'I1',
        executionId,
        `is parked in ${walked.state}, although the event "${forgotten.event}" (${forgotten.id}) was accepted`,
      );
    }
  }
}

/** Unless the execution was moved, its steps follow one of the definitions, or with the policy `move` whichever was deployed. */
function follow({ definitions, upgradePolicy, moved, lastOfOld }: Upgrade, marks: readonly Mark[]): Walked | string {
  if (upgradePolicy === 'move' || moved) return walk(definitions, marks);
  const walks = definitions.map((definition) => walk([definition], marks));
  const at = walks.findIndex((walked) => typeof walked !== 'string');
  const last = marks.at(-1)?.at ?? 0;
  if (upgradePolicy === 'stop' && at === 0 && typeof walks.at(-1) === 'string' && last > lastOfOld) {
    return `continues at step ${marks.at(-1)?.step} with its first definition, which must stop`;
  }
  return walks[at] ?? `follows none of the definitions: ${walks.join('; ')}`;
}

/** I1: each taken event was sent and taken once, and events of one name were taken in the order of acceptance. */
function checkMails(model: Model, executionId: string, taken: readonly Taken[]): void {
  const { accepted, offered, touched, dropped } = model.acceptedBy(executionId);
  for (const { id } of taken) {
    if (dropped.has(id)) model.wrong('I1', executionId, `took ${id}, although a client was told that it is dropped`);
  }
  if (new Set(taken.map(({ id }) => id)).size < taken.length) {
    model.wrong('I1', executionId, `took an event twice: ${taken.map(({ id }) => id).join(', ')}`);
  }
  for (const [index, { id, event, step }] of taken.entries()) {
    const sent = offered.get(id);
    if (sent?.event !== event) {
      model.wrong('I1', executionId, `took the event "${event}" (${id}), which no client sent`);
    }
    if (sent?.step !== undefined && sent.step !== step) {
      model.wrong(
        'I1',
        executionId,
        `took "${event}" (${id}) in step ${step}, but it came with the token of another step`,
      );
    }
    const before = taken.slice(0, index);
    const overtaken = accepted.find(
      (mail) =>
        mail.event === event &&
        (mail.step ?? step) === step &&
        mail.at < (sent?.at ?? 0) &&
        !touched.has(mail.id) &&
        !before.some((earlier) => earlier.id === mail.id),
    );
    if (overtaken) {
      model.wrong('I1', executionId, `took "${event}" (${id}) before ${overtaken.id}, which was accepted earlier`);
    }
  }
}
