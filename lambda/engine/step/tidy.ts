import type { DeliveryScope } from './delivery-scope';
import type { HeldLease } from './held-lease';
import { loggerFor } from './report';
import { stateOf, type JsonObject } from '../../machine';
import type { Envelope } from '../envelope/envelope';
import type { Checkpoint, ExecutionKey, Lease, Metrics, Ports } from '../ports';
import { asError } from '../thrown';

// Best effort, unless a function says otherwise: it may fail without harm, because leases expire and later deliveries repeat the cleanup. A
// failure is counted and logged, never thrown.

/** Releases a lease early, unless an action that overran its time may still be running: then the lease protects the execution from it. */
export async function releaseLease({ ports }: DeliveryScope, { lease, overrun }: HeldLease): Promise<void> {
  if (overrun) return;
  await bestEffort(ports, () => ports.locks.release(lease), {
    metric: ['LockFailure'],
    message: 'A lease was not released',
    fields: { executionId: lease.executionId },
  });
}

/** Writes a checkpoint that recovery does not depend on. */
export async function recordOrCount({ dispatcher, ports }: DeliveryScope, checkpoint: Checkpoint): Promise<void> {
  const { executionId, machine, step } = checkpoint;
  await bestEffort(ports, () => dispatcher.record(checkpoint), {
    metric: ['CheckpointFailure', machine],
    message: 'A checkpoint was not written',
    fields: { executionId, step },
  });
}

/** Stops counting an execution that ended or failed under this fence against the concurrency limit of its machine. */
export async function leaveRunning({ limits, ports }: DeliveryScope, envelope: Envelope, fence: number): Promise<void> {
  const { executionId, machine } = envelope;
  await bestEffort(ports, () => limits.leave(envelope, fence), {
    metric: ['LockFailure', machine],
    message: 'An execution that has ended still counts against the concurrency limit',
    fields: { executionId },
  });
}

/**
 * Empties the mailbox of an execution that has ended, even if it took no event: an event that no state handles may wait there. Not best
 * effort: a later execution with the same id would take the early events that are left, so a failure returns the delivery to its source, and
 * its next delivery comes here again.
 *
 * @throws the error of the mailbox
 */
export async function emptyMailbox({ ports }: DeliveryScope, execution: ExecutionKey): Promise<void> {
  try {
    await ports.mailbox.expire(execution);
  } catch (thrown) {
    ports.metrics.count('CheckpointFailure');
    throw thrown;
  }
}

/**
 * Lets the checkpoint of a dead attempt expire: the attempt may have recorded a park or a failure and died before it could commit it.
 * No other cleanup covers such a checkpoint.
 */
export async function forgetDeadAttempt({ ports }: DeliveryScope, lease: Lease): Promise<void> {
  const { executionId, step, fence } = lease;
  await bestEffort(ports, () => ports.journal.expire(lease, step, fence), {
    metric: ['CheckpointFailure'],
    message: 'The checkpoint of a dead attempt does not expire',
    fields: { executionId, step },
  });
}

/** Lets the checkpoint of the park that a step has left expire. Should the step run again, the checkpoint is still there. */
export async function forgetPark({ ports }: DeliveryScope, envelope: Envelope): Promise<void> {
  const { mail, step, parent } = envelope;
  if (mail === undefined) return;
  await bestEffort(ports, () => ports.journal.expire(envelope, step - 1, parent), { metric: ['CheckpointFailure'] });
}

/** Lets the checkpoint of an attempt that lost its lease expire. */
export async function forgetCheckpoint({ ports }: DeliveryScope, checkpoint: Checkpoint): Promise<void> {
  const { step, fence } = checkpoint;
  await bestEffort(ports, () => ports.journal.expire(checkpoint, step, fence), { metric: ['CheckpointFailure'] });
}

/** Stops the task that the step before this envelope started: the wait for it is over. A task that is not stopped ends by itself. */
export async function stopTask(scope: DeliveryScope, envelope: Envelope): Promise<void> {
  const { deadline, definitions, ports } = scope;
  const { tasks } = ports;
  const machine = definitions.of(envelope)?.machine;
  const action = machine && envelope.state !== null ? stateOf(machine, envelope.state)?.do : undefined;
  if (!tasks || action === undefined) return;
  await bestEffort(
    { ...ports, logger: loggerFor(scope, envelope) },
    () => tasks.stop(action, envelope, envelope.step - 1, deadline.signal),
    { message: 'A task that no execution waits for was not stopped' },
  );
}

/** Commits a step before its successor does. An explicit commit is optional: acquiring the successor commits the step as well. */
export async function commitEarly(scope: DeliveryScope, { envelope, lease }: HeldLease): Promise<boolean> {
  const { clock, locks } = scope.ports;
  const committed = await bestEffort(
    { ...scope.ports, logger: loggerFor(scope, envelope) },
    () => locks.commit(lease, 'running', clock.now()),
    {
      metric: ['LockFailure', envelope.machine, envelope.state ?? undefined],
      message: 'A step was not committed explicitly',
    },
  );
  return committed ?? false;
}

/** How a failed request is counted and logged. */
interface FailureReport {
  readonly metric?: Parameters<Metrics['count']>;
  /** Absent if the failure is only counted. */
  readonly message?: string;
  readonly fields?: JsonObject;
}

/** Makes a request whose failure is harmless: it is counted and logged, never thrown. */
export async function bestEffort<Answer>(
  { logger, metrics }: Pick<Ports, 'logger' | 'metrics'>,
  request: () => Promise<Answer>,
  { metric, message, fields }: FailureReport,
): Promise<Answer | undefined> {
  try {
    return await request();
  } catch (thrown) {
    if (metric) metrics.count(...metric);
    if (message) logger.warn(`${message}: ${asError(thrown).message}`, fields);
    return undefined;
  }
}
