import type { Place } from './place';
import type { ExecutionKey } from '../envelope/execution-key';

/**
 * The status of an execution. A `pending` execution was started, and its first step has not begun. An explicit commit sets every status
 * except `pending` and `running`.
 */
export type ExecutionStatus = 'pending' | 'running' | 'parked' | 'completed' | 'failed' | 'cancelled';

/** The lock item of an execution: one small item, which alone decides which attempt may continue. */
export interface Lock extends ExecutionKey {
  readonly machine: string;
  /** The step that was acquired last. */
  readonly step: number;
  /** Fence token of that acquisition: grows by one with each. */
  readonly fence: number;
  /** Fence token of the attempt that sent the envelope of `step`. */
  readonly parent: number;
  /** Random name of the acquisition, by which a holder recognizes its own write if the response was lost. */
  readonly holder: string;
  /** Milliseconds since the epoch until which the lease is valid; 0 once it is released. */
  readonly expires: number;
  /** Fence token of the last attempt that released its lease. */
  readonly released: number;
  /** Fence token of the last attempt that ran beside other executions in its invocation; 0 if there is none. */
  readonly accompanied: number;
  /** Fence token of the failure that the step was reopened for, 0 if it was not: only that redrive may run the step. */
  readonly reopened: number;
  /** Whether the step needs no further attempt. */
  readonly done: boolean;
  readonly status: ExecutionStatus;
  /** The state that the step enters; empty while the execution is pending. */
  readonly state: string;
  /** Hash of the context that the execution was started with. */
  readonly contextHash: string;
  /**
   * The mail that the execution took last, until a step after the one that it woke is known to have removed it; `$timeout` if a timeout woke
   * the step.
   */
  readonly mail?: string;
  /** The events that the parked state takes. Meaningful only while the execution is parked. */
  readonly accepts?: readonly string[];
  /** The events that the state and the states after it take; absent if they are too many to be stored while the execution runs. */
  readonly handles?: readonly string[];
  /** The place that the envelope of the step came from. */
  readonly place?: Place;
  /** Milliseconds since the epoch at which the start was recorded. */
  readonly startedAt: number;
  /** Milliseconds since the epoch of the latest acquisition or commit. */
  readonly updatedAt: number;
}

/** Whether the execution has ended and can never continue. */
export function hasEnded<Known extends Pick<Lock, 'status'>>(
  lock: Known | undefined,
): lock is Known & { readonly status: 'completed' | 'cancelled' } {
  return lock?.status === 'completed' || lock?.status === 'cancelled';
}

/** The start of an execution, before its envelope is sent. */
export interface PendingStart extends ExecutionKey {
  readonly machine: string;
  readonly contextHash: string;
  readonly now: number;
}

/** The lock of a start that is recorded. The envelope of the start acquires it as a RETRY of step 0. */
export function pendingLock(start: PendingStart): Omit<Required<Lock>, 'mail' | 'accepts' | 'handles' | 'place'> {
  const { executionId, incarnation, machine, contextHash, now } = start;
  return {
    executionId,
    incarnation,
    machine,
    contextHash,
    step: 0,
    fence: 0,
    parent: 0,
    holder: '',
    expires: 0,
    released: 0,
    accompanied: 0,
    reopened: 0,
    done: false,
    status: 'pending',
    state: '',
    startedAt: now,
    updatedAt: now,
  };
}

/** A request for the lease of one step. */
export interface AcquireRequest extends ExecutionKey {
  readonly machine: string;
  readonly step: number;
  readonly parent: number;
  readonly state: string;
  /** Fence token of the failure that the envelope redrives, 0 if it is not redriven. */
  readonly redriven: number;
  readonly holder: string;
  readonly now: number;
  readonly expires: number;
  /** See {@link Lock.mail}. */
  readonly mail?: string;
  /** See {@link Lock.handles}. */
  readonly handles?: readonly string[];
  /** Whether no other execution runs in the invocation, so that its death has no other cause. */
  readonly alone: boolean;
  readonly place?: Place;
}

/** The acquired lock, or the lock that refused the request, if one exists. */
export type Acquisition =
  { readonly acquired: true; readonly lock: Lock } | { readonly acquired: false; readonly lock?: Lock };

/** The right to run one step of one execution, until it expires. */
export interface Lease extends ExecutionKey {
  readonly step: number;
  readonly parent: number;
  readonly fence: number;
  readonly expires: number;
}

/** What a commit stores beside the status. */
export interface CommitOptions extends Pick<Lock, 'handles'> {
  /** The events that a parked execution takes. With them, the commit also replaces `handles`. */
  readonly accepts?: Lock['accepts'];
  /**
   * Milliseconds since the epoch until which an action that overran its time may still run, so that the step must not run again if it is
   * reopened.
   *
   * @default 0
   */
  readonly busyUntil?: number;
}

/**
 * Number of earlier attempts that acquired the step. The first attempt at a step gets the fence that follows its parent, and each further
 * attempt the next one, so attempts whose invocation died count as well.
 */
export function attemptOf({ fence, parent }: Pick<Lease, 'fence' | 'parent'>): number {
  return fence - parent - 1;
}

/** Whether the latest attempt at the step neither succeeded nor released its lease: once the lease has expired, it has died. */
export function isSuspect({ fence, released }: Pick<Lock, 'fence' | 'released'>): boolean {
  return released < fence;
}

/**
 * Number of attempts at the step, before the one that holds the lock, that died although they ran alone. Only the
 * first of consecutive dead attempts can have run beside other executions, one of which may have caused its death:
 *
 *     fence     4 released   5 beside others, died   6 alone, died   7 alone: holds the lock
 *     deaths                                                         1
 */
export function deathsOf({
  fence,
  parent,
  released,
  accompanied,
}: Pick<Lock, 'fence' | 'parent' | 'released' | 'accompanied'>): number {
  return Math.max(0, fence - 1 - Math.max(parent, released, accompanied));
}

/**
 * Holds one {@link Lock} for each execution. Each method is ONE atomic operation of the store.
 *
 * Only `recordStart` creates a lock. `acquire` succeeds if a lock is stored that satisfies one of these conditions, and otherwise changes
 * nothing:
 * - COMMIT   the incarnations and the machines are equal, `lock.step = request.step - 1` and `lock.fence = request.parent`: the request carries the envelope that the latest
 *            holder sent, so this acquisition commits the step of that holder. The holder's lease need not have ended;
 * - RETRY    the incarnations and the machines are equal, `lock.step = request.step`, `lock.parent = request.parent`, `lock.mail = request.mail`, not `done`,
 *            `lock.reopened = request.redriven`, `lock.expires < request.now`, and either `lock.released = lock.fence` or `request.alone`: a step whose latest attempt died
 *            runs only alone.
 *
 * It then stores step, parent, `reopened = redriven`, mail, handles, holder, expires, state and place of the request, `done = false`, `status = running`,
 * and `fence = fence + 1`. Unless `request.alone`, it also sets `accompanied` to the new fence. All other members stay as they are.
 *
 * `release`, `commit` and `reopen` change only a lock of the given incarnation.
 */
export interface LockStore {
  /** A refusal carries the lock that refused it, if one exists. A lock whose holder is the request's counts as acquired. */
  acquire(request: AcquireRequest): Promise<Acquisition>;
  /** Ends the lease early: `expires = 0`, `released = fence`, if `lock.fence = lease.fence` and not `done`. Otherwise nothing happens. */
  release(lease: Lease): Promise<void>;
  /**
   * Sets `done = true`, `status` and `expires = options.busyUntil`, if `lock.fence = lease.fence` and the lease was not released (`released < fence`): a
   * late request must not end a reopened step again. The store may forget a lock with status `completed` or `cancelled` after its
   * retention, and never forgets a parked or failed one.
   *
   * @returns false if the lease was lost to another attempt; also true if the same commit was made before
   */
  commit(lease: Lease, status: ExecutionStatus, now: number, options?: CommitOptions): Promise<boolean>;
  /** A strongly consistent read. */
  read(executionId: string): Promise<Lock | undefined>;
  /**
   * Stores the {@link pendingLock} of a start, if the execution has no lock. It is stored before the envelope of the start is sent, so that a
   * second start finds it, and a cancellation ends it. The store never forgets a pending lock.
   *
   * @returns the lock of the execution, and whether this start created it
   */
  recordStart(start: PendingStart): Promise<{ readonly recorded: boolean; readonly lock: Lock }>;
  /**
   * Makes the step that failed under that fence runnable again, for envelopes that redrive this failure: `done = false`, `status = running`, `released = reopened = fence`, if the fence of the
   * lock is the given one and its status is `failed`. A later failure of the same step stays as it is.
   *
   * @returns false if the lock is not as expected
   */
  reopen(failed: Pick<Lock, 'executionId' | 'incarnation' | 'fence'>, now: number): Promise<boolean>;
  /**
   * Ends an execution from outside: `done = true`, `status = cancelled`, `expires = 0` and `fence = fence + 1`, unless it has completed or
   * was canceled already. Under the new fence, no envelope of any attempt continues the execution. The store may forget the lock as after a
   * commit of that status.
   *
   * @returns the resulting lock, cancelled or completed, if one exists
   */
  cancel(executionId: string, now: number): Promise<Lock | undefined>;
}

/** The operations of a lock store that clients need: they never hold a lease. */
export type ClientLockStore = Pick<LockStore, 'read' | 'recordStart' | 'reopen' | 'cancel'>;
