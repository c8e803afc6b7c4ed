import type { ExecutionsContext } from './context';
import { pageOf, type WaitingEvent } from './list-events';
import type { Failure, JsonObject } from '../../machine/action';
import { InvalidRequestError } from '../errors';
import type { Attempt, Checkpoint, ExecutionStatus, JournaledAttempt, JournalPage, Lock } from '../ports';
import { hasEnded } from '../ports/lock-store';

/** The number of steps that a description contains by default. */
const DEFAULT_STEPS = 100;

/** The largest number of steps that a description may contain. */
const MAX_STEPS = 1_000;

/** Which steps a description contains. */
export interface DescribeOptions {
  /**
   * The maximum number of steps in the description: 1 to 1,000. A description has fewer steps if their entries exceed 1 MB.
   *
   * @default 100
   */
  readonly maxSteps?: number;
  /**
   * The `nextToken` of an earlier description, to continue with the steps before its steps.
   *
   * @default - the latest steps
   */
  readonly nextToken?: string;
}

/** The status and the latest steps of an execution. */
export interface ExecutionDescription<Machine = string, State = string, Context = JsonObject> {
  readonly executionId: string;
  readonly machine: Machine;
  readonly status: ExecutionStatus;
  /** The state of the execution, or the state that it was entering last; `null` if its first step has not begun. */
  readonly state: State | null;
  /** The latest step: 0, 1, 2 … */
  readonly step: number;
  /** The time of the start. */
  readonly startedAt: Date;
  /** The time of the latest change of the status or the step. */
  readonly updatedAt: Date;
  /** The context of a parked, failed or completed execution. While an execution runs, its envelope carries the context. */
  readonly context?: Context;
  /** Why the execution failed. */
  readonly error?: Failure;
  /** The first 100 events that were sent and that the execution has not taken. `listEvents` lists all of them. */
  readonly waiting: readonly WaitingEvent[];
  /** A page of the steps, in order: the latest steps, or the steps before a `nextToken`. Old steps may have expired. */
  readonly steps: readonly StepDescription[];
  /** Present if earlier steps are recorded. Pass it to the next `describe` to read them. */
  readonly nextToken?: string;
}

/** A step of an execution. */
export interface StepDescription {
  readonly step: number;
  /** The recorded attempts, in order. An attempt whose invocation died leaves only a gap in the fence tokens. */
  readonly attempts: readonly AttemptDescription[];
}

/** One attempt at a step, or the cancellation that ended it, with its times. */
export interface AttemptDescription extends Attempt {
  readonly startedAt: Date;
  readonly endedAt: Date;
  /** Whether the attempt committed the step, so that the next step continues it. While a step is running, none of its attempts has. */
  readonly committed: boolean;
}

/** The end of a page of steps: the first step after it, and the fence of the attempt that this step continues. */
interface Position {
  readonly before: number;
  readonly parent: number;
}

/**
 * Reads the description of an execution, if it exists. The cost does not depend on the length of the history.
 *
 * @throws InvalidRequestError for an invalid number of steps or token
 */
export async function describe(
  { ports: { locks, journal, mailbox } }: ExecutionsContext,
  executionId: string,
  { maxSteps = DEFAULT_STEPS, nextToken }: DescribeOptions = {},
): Promise<ExecutionDescription | undefined> {
  if (!Number.isInteger(maxSteps) || maxSteps < 1 || maxSteps > MAX_STEPS) {
    throw new InvalidRequestError(`Invalid maxSteps ${maxSteps}: expected an integer from 1 to ${MAX_STEPS}.`);
  }
  const position = nextToken === undefined ? undefined : positionOf(nextToken);
  const lock = await locks.read(executionId);
  if (!lock) return undefined;
  const [latest, page, { events }] = await Promise.all([
    journal.read(lock, lock.step, lock.fence),
    journal.page(lock, maxSteps, position?.before),
    pageOf(mailbox, lock, lock.mail),
  ]);
  return describeExecution(lock, latest, page, hasEnded(lock) ? [] : events, position);
}

/**
 * Describes an execution by its lock and a page of its journal.
 *
 * @param latest the journal entry of the attempt that holds the lock or held it last
 * @param position the end of the page
 */
export function describeExecution(
  lock: Lock,
  latest: Checkpoint | undefined,
  page: JournalPage,
  waiting: readonly WaitingEvent[],
  position?: Position,
): ExecutionDescription {
  const steps = stepsOf(lock, page, position);
  const [first] = page.entries;
  return {
    executionId: lock.executionId,
    machine: lock.machine,
    status: lock.status,
    // A pending execution has no state.
    state: latest?.states.at(-1) ?? (lock.state || null),
    step: lock.step,
    startedAt: new Date(lock.startedAt),
    updatedAt: new Date(lock.updatedAt),
    ...(lock.done && { context: latest?.context ?? latest?.envelope?.context }),
    ...(lock.status === 'failed' && { error: latest?.error }),
    waiting,
    steps,
    ...(first && page.hasEarlier && { nextToken: `${first.step}.${first.attempt.parent}` }),
  };
}

/**
 * Groups the attempts by step. The journal contains replaced attempts as well: the attempt that the next step names as its parent was
 * committed.
 */
function stepsOf(lock: Lock, { entries }: JournalPage, position: Position | undefined): StepDescription[] {
  const committed = new Map<number, number>([[lock.step - 1, lock.parent]]);
  if (lock.done) committed.set(lock.step, lock.fence);
  if (position) committed.set(position.before - 1, position.parent);
  const steps = new Map<number, JournaledAttempt[]>();
  for (const { step, attempt } of entries) {
    committed.set(step - 1, attempt.parent);
    const attempts = steps.get(step);
    if (attempts) attempts.push(attempt);
    else steps.set(step, [attempt]);
  }
  return [...steps].map(([step, attempts]) => ({
    step,
    attempts: attempts.map((attempt) => ({
      ...attempt,
      startedAt: new Date(attempt.startedAt),
      endedAt: new Date(attempt.endedAt),
      committed: attempt.fence === committed.get(step),
    })),
  }));
}

function positionOf(token: string): Position {
  const [, before, parent] = /^(\d{1,10})\.(\d{1,16})$/.exec(token) ?? [];
  if (before !== undefined && parent !== undefined) return { before: Number(before), parent: Number(parent) };
  throw new InvalidRequestError(
    `Invalid nextToken "${String(token).slice(0, 100)}": expected one of an earlier description of the execution.`,
  );
}
