import { ENVELOPE_VERSION, type Envelope } from './envelope';
import type { ExecutionKey } from './execution-key';
import { START } from '../../machine/transition';

// Every envelope that this library sends is made here, except retries, which send the delivered envelope again.

/** Letters of an incarnation. It only has to differ from those of other executions with the same id. */
const INCARNATION_LENGTH = 16;

/**
 * The envelope that starts an execution, as a new incarnation.
 *
 * @param id a unique name, from which the incarnation is made
 */
export function startEnvelope(
  start: Pick<Envelope, 'executionId' | 'machine' | 'context' | 'trace' | 'sentAt'>,
  id: string,
): Envelope {
  const { executionId, machine, context, trace, sentAt } = start;
  return {
    version: ENVELOPE_VERSION,
    executionId,
    incarnation: id.replaceAll('-', '').slice(0, INCARNATION_LENGTH),
    machine,
    step: 0,
    parent: 0,
    attempt: 0,
    state: null,
    event: START,
    context,
    trace,
    sentAt,
  };
}

/** The attempt that an envelope continues. */
export interface Predecessor extends ExecutionKey {
  readonly machine: string;
  readonly step: number;
  /** Fence token of the attempt: the `parent` of the next envelope. */
  readonly fence: number;
}

/** The members of an envelope that its predecessor does not determine. */
export type SuccessorMembers = Omit<
  Envelope,
  'version' | 'executionId' | 'incarnation' | 'machine' | 'step' | 'parent' | 'attempt' | 'timeout' | 'wakes'
>;

/** The envelope of the next step. */
export function successorEnvelope(
  { executionId, incarnation, machine, step, fence }: Predecessor,
  members: SuccessorMembers,
): Envelope {
  return {
    version: ENVELOPE_VERSION,
    executionId,
    incarnation,
    machine,
    step: step + 1,
    parent: fence,
    attempt: 0,
    ...members,
  };
}

/** The event of a wake-up, which carries none. */
const WAKE = '$wake';

/** The envelope that wakes a parked execution. It is no step and carries no context. */
export function wakeUpEnvelope(parked: Predecessor, members: Pick<Envelope, 'state' | 'sentAt'>): Envelope {
  return { ...successorEnvelope(parked, { ...members, event: WAKE, context: {} }), wakes: true };
}

/** The envelope that ends the wait of a parked execution. It is no step and carries no context. */
export function endOfWaitEnvelope(
  predecessor: Predecessor,
  members: Pick<Envelope, 'definition' | 'state' | 'event' | 'trace' | 'notBefore' | 'sentAt'>,
): Envelope {
  return { ...successorEnvelope(predecessor, { ...members, context: {} }), timeout: true };
}

/**
 * The envelope of a failed step, with all its attempts before it.
 *
 * @param fence fence token of the attempt that failed
 */
export function redrivenEnvelope(
  failed: Envelope,
  { definition, fence, sentAt }: Pick<Envelope, 'definition' | 'sentAt'> & { readonly fence: number },
): Envelope {
  return { ...failed, definition, attempt: 0, redriven: fence, sentAt };
}
