import type { Plan } from '../definitions/definitions';
import type { Envelope } from '../envelope/envelope';
import type { Lease, Span } from '../ports';

/** A step whose lease this invocation holds: everything that is known before its actions run. */
export interface HeldLease {
  readonly envelope: Envelope;
  readonly lease: Lease;
  /** The plan of the step, or the reason why no deployed definition can run it. */
  readonly plan: Plan | Error;
  /** Number of earlier attempts at this step that died of their own actions (see {@link deathsOf}). */
  readonly deaths: number;
  /** Whether the attempt before this one died, of whatever cause. */
  readonly followsDeath: boolean;
  /** Whether no other execution runs in this invocation. */
  readonly alone: boolean;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Number of entered states that the result of the actions omits. */
  readonly omittedStates?: number;
  /** This attempt in the trace of the execution; absent if the execution is not traced. */
  readonly span?: Span;
  /** An action overran its time and may still be running, so the lease must not be released. */
  readonly overrun?: boolean;
}
