import type { Failure, JsonObject } from '../machine';
import type { Checkpoint, ExecutionStatus, Lock, Mail } from './ports';

/** How an execution stands and what it has done. */
export interface ExecutionDescription {
  readonly executionId: string;
  readonly machine: string;
  readonly status: ExecutionStatus;
  /** The state that it is in, or that it was entering last. */
  readonly state: string;
  /** The latest step: 0, 1, 2 … */
  readonly step: number;
  readonly startedAt: Date;
  readonly updatedAt: Date;
  /** The context, where the execution is parked, has failed or is completed; while it runs, the context travels in its envelope. */
  readonly context?: JsonObject;
  /** Why it has failed. */
  readonly error?: Failure;
  /** The events that it has been sent and has not taken, in order. */
  readonly waiting: readonly { readonly id: string; readonly event: string }[];
  /** The steps in order. Old ones may be forgotten already. */
  readonly steps: readonly StepDescription[];
}

/** A step of an execution. */
export interface StepDescription {
  readonly step: number;
  /** All attempts at it that are known, in order. An attempt whose invocation died has left no trace but a gap in the fence tokens. */
  readonly attempts: readonly AttemptDescription[];
  /** The one that the next step continues; absent while the step is under way. */
  readonly committed?: AttemptDescription;
}

/** One attempt at a step: its checkpoint, without what is told of the execution as a whole. */
export type AttemptDescription = Omit<Checkpoint, 'executionId' | 'machine' | 'step' | 'context' | 'envelope' | 'accepts' | 'mailbox'>;

/**
 * Tells the story of an execution from its lock and its journal. The journal holds the attempts that were replaced, too; which one counts
 * is read off the chain of fences, from the lock backwards.
 */
export function describeExecution(lock: Lock, checkpoints: readonly Checkpoint[], mails: readonly Mail[]): ExecutionDescription {
  const steps = new Map<number, Checkpoint[]>();
  for (const checkpoint of checkpoints) {
    const attempts = steps.get(checkpoint.step);
    if (attempts) attempts.push(checkpoint);
    else steps.set(checkpoint.step, [checkpoint]);
  }
  const committed = committedFences(lock, checkpoints);
  const latest = checkpoints.find(({ step, fence }) => step === lock.step && fence === lock.fence);
  return {
    executionId: lock.executionId,
    machine: lock.machine,
    status: lock.status,
    state: latest?.states.at(-1) ?? lock.state,
    step: lock.step,
    startedAt: new Date(lock.startedAt),
    updatedAt: new Date(lock.updatedAt),
    ...(lock.done && { context: latest?.context ?? latest?.envelope?.context }),
    ...(lock.status === 'failed' && { error: latest?.error }),
    // What came with a callback token of an earlier step was too late.
    waiting: mails.filter(({ step }) => step === undefined || step >= lock.step).map(({ id, event }) => ({ id, event })),
    steps: [...steps].sort(([a], [b]) => a - b).map(([step, attempts]) => {
      const counted = attempts.find(({ fence }) => fence === committed.get(step));
      return { step, attempts: attempts.map(attemptOf), ...(counted && { committed: attemptOf(counted) }) };
    }),
  };
}

/** The fence of the attempt that counts, by step. */
function committedFences(lock: Lock, checkpoints: readonly Checkpoint[]): Map<number, number> {
  const parents = new Map(checkpoints.map(({ step, fence, parent }) => [`${step}/${fence}`, parent]));
  const committed = new Map<number, number>();
  if (lock.done) committed.set(lock.step, lock.fence);
  let parent: number | undefined = lock.parent;
  for (let step = lock.step - 1; step >= 0 && parent !== undefined; step--) {
    committed.set(step, parent);
    parent = parents.get(`${step}/${parent}`);
  }
  return committed;
}

function attemptOf(checkpoint: Checkpoint): AttemptDescription {
  const { executionId: _e, machine: _m, step: _s, context: _c, envelope: _v, accepts: _a, mailbox: _b, ...attempt } = checkpoint;
  return attempt;
}
