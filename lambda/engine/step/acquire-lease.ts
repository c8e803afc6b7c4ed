import { answerRefusal } from './answer-refusal';
import type { DeliveryScope } from './delivery-scope';
import type { HeldLease } from './held-lease';
import { locksUnavailable } from './locks-unavailable';
import { postpone } from './postpone';
import { count, measure } from './report';
import type { Suspect } from './suspect';
import type { Plan } from '../definitions/definitions';
import { contentRefusal } from '../dispatch/content-refusal';
import type { Envelope } from '../envelope/envelope';
import { classifyRefusal } from '../locks/refusal';
import { handledEvents } from '../mailbox/events';
import type { AcquireRequest, Acquisition, Lease, Outcome } from '../ports';
import { attemptOf, deathsOf } from '../ports/lock-store';
import { nextPollForCapacity, soon } from '../retries/waits';
import { asError } from '../thrown';

/**
 * Acquires the right to run the step of an envelope: one conditional write, which also commits the step before it.
 *
 * @returns the held lease, a suspect that may run only alone, or the answer for the source if the step may not run now
 * @throws ContentRefusedError if the lock store refuses the content of the lock for good
 * @throws if the delivery must return to its source
 */
export async function acquireLease(scope: DeliveryScope, envelope: Envelope): Promise<HeldLease | Outcome | Suspect> {
  const { definitions, limits, options, ports } = scope;
  const now = ports.clock.now();
  const plan = definitions.plan(envelope);
  if (plan instanceof Error && definitions.isForeign(envelope) && Math.abs(now - envelope.sentAt) < options.rollover) {
    // A deployment may be under way, and its newer function may know the definition.
    return postpone(scope, envelope, soon(now, ports.random));
  }
  const request = acquireRequest(scope, envelope, plan, now);
  let acquisition: Acquisition | undefined;
  try {
    const admitted = await limits.admits(envelope, request.expires);
    acquisition = admitted ? await acquire(scope, request) : undefined;
  } catch (thrown) {
    const error = asError(thrown);
    const refusal = contentRefusal(ports, 'the lock of the step', [error]);
    if (refusal) throw refusal;
    return locksUnavailable(scope, envelope, error);
  }
  if (!acquisition) {
    count(scope, 'Delayed', envelope);
    return postpone(scope, envelope, nextPollForCapacity(envelope.sentAt, now, ports.random));
  }
  if (!acquisition.acquired) return answerRefusal(scope, envelope, request, acquisition.lock);
  const { executionId, incarnation, step, fence, parent, released } = acquisition.lock;
  const lease: Lease = { executionId, incarnation, step, parent, fence, expires: request.expires };
  // The age of a delayed envelope counts from its due time. Clocks differ, so a negative age counts as 0.
  const age = Math.max(0, now - Math.max(envelope.sentAt, envelope.notBefore ?? 0));
  measure(scope, 'EnvelopeAge', age, envelope, request.state);
  return {
    envelope,
    lease,
    plan,
    deaths: deathsOf(acquisition.lock),
    followsDeath: fence - 1 > Math.max(parent, released),
    alone: scope.alone,
    startedAt: now,
    span: ports.tracer?.begin({ envelope, state: request.state, attempt: attemptOf(lease) }),
  };
}

/**
 * Requests the lease. The envelope of a failed execution reopens it: a dead letter that was moved back to its source is a redrive, like the
 * call of a client.
 */
async function acquire({ ports: { locks } }: DeliveryScope, request: AcquireRequest): Promise<Acquisition> {
  const acquisition = await locks.acquire(request);
  if (acquisition.acquired || classifyRefusal(request, acquisition.lock).kind !== 'failed') return acquisition;
  await locks.reopen({ ...request, fence: request.redriven }, request.now);
  return locks.acquire(request);
}

/**
 * Acquires the step again whose lease was released for a retry that no queue accepts. Under the next fence, it can fail.
 *
 * @throws if another delivery has acquired it since
 */
export async function renewLease(scope: DeliveryScope, held: HeldLease): Promise<HeldLease> {
  const request = acquireRequest(scope, held.envelope, held.plan, scope.ports.clock.now());
  const { acquired, lock } = await scope.ports.locks.acquire(request);
  if (!acquired) throw new Error('Another delivery has acquired the step since its lease was released.');
  return { ...held, lease: { ...held.lease, fence: lock.fence, expires: request.expires } };
}

function acquireRequest(
  { alone, delivery, invocation, options, ports }: DeliveryScope,
  envelope: Envelope,
  plan: Plan | Error,
  now: number,
): AcquireRequest {
  return {
    executionId: envelope.executionId,
    incarnation: envelope.incarnation,
    machine: envelope.machine,
    step: envelope.step,
    parent: envelope.parent,
    redriven: envelope.redriven ?? 0,
    state: plan instanceof Error ? (envelope.state ?? '') : plan.step.target.name,
    mail: envelope.mail ?? envelope.taken,
    handles: plan instanceof Error ? undefined : handledEvents(plan.definition.machine, plan.step.target.name, false),
    holder: ports.random.id(),
    now,
    expires: invocation.deadline + options.clockSkew,
    alone,
    place: delivery.place,
  };
}
