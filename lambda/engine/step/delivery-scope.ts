import type { Deadline } from './deadline';
import type { ActionLookup } from '../definitions/actions';
import type { Definitions } from '../definitions/definitions';
import type { Dispatcher } from '../dispatch/dispatcher';
import type { Envelope } from '../envelope/envelope';
import type { ConcurrencyLimiter } from '../locks/concurrency-limiter';
import type { EngineOptions } from '../options';
import type { Delivery, Invocation, Ports } from '../ports';

/** Everything that the deliveries of one invocation share. */
export interface InvocationScope {
  readonly ports: Ports;
  readonly options: Required<EngineOptions>;
  readonly definitions: Definitions;
  readonly actions: ActionLookup;
  readonly limits: ConcurrencyLimiter;
  readonly dispatcher: Dispatcher;
  readonly deadline: Deadline;
  readonly invocation: Invocation;
}

/** Everything that the processing of one delivery uses. */
export interface DeliveryScope extends InvocationScope {
  readonly delivery: Delivery;
  /** The envelope that drives the step, if it is not the envelope of the step itself. */
  readonly wakeUp?: Envelope;
  /** Whether no other execution runs in this invocation, so that its death has no other cause. */
  readonly alone: boolean;
  /** Whether actions of other executions in this batch are running, or may run later. */
  readonly hasNeighbors: () => boolean;
  /** Called when the actions of this delivery have ended. */
  readonly actionsEnded: () => void;
}
