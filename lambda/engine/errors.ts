import type { UpgradePolicy } from '../machine';
import type { Envelope } from './envelope';

/** A context, or the data of an event, holds something that JSON cannot carry. */
export class NotJsonError extends Error {
  override readonly name = 'NotJsonError';

  constructor(readonly path: string, found: string, fix: string) {
    super(`${path} is ${found}, which JSON cannot carry. ${fix}`);
  }
}

/** The envelope of the next step is larger than the smallest service that may have to carry it takes. */
export class EnvelopeTooLargeError extends Error {
  override readonly name = 'EnvelopeTooLargeError';

  constructor(readonly bytes: number, readonly limit: number, state: string) {
    super(
      `The context after state "${state}" makes an envelope of ${bytes} bytes; this workflow carries at most ${limit} ` +
        '(the least that one of its event sources, retry queues and its checkpoint table takes). Keep large data elsewhere, for example in S3, and its key in the context.',
    );
  }
}

/** A `do` action returned something that is no event of its state. */
export class UnknownEventError extends Error {
  override readonly name = 'UnknownEventError';

  constructor(machine: string, state: string, action: string, returned: unknown, expected: readonly string[]) {
    const what = typeof returned === 'string' ? `the event "${returned.slice(0, 100)}"` : `a value of type ${typeof returned}`;
    super(
      `Machine "${machine}", state "${state}": the action "${action}" returned ${what}. ` +
        `The events that would do are ${expected.map((event) => `"${event}"`).join(', ')}; return nothing to wait for an event from outside.`,
    );
  }
}

/** The machine names an action that the workflow's actions file does not have. */
export class MissingActionError extends Error {
  override readonly name = 'MissingActionError';

  constructor(machine: string, state: string, action: string) {
    super(`Machine "${machine}", state "${state}": there is no action "${action}". Add it to the default export of the workflow's actions file.`);
  }
}

/** The actions of a step took longer than the invocation lasts. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';

  constructor(state: string) {
    super(`The actions of the step into state "${state}" were not done when the invocation had to end. Raise the function's timeout, or do less in one step.`);
  }
}

/** Invocations died (timeout, out of memory, exit) while they ran this step, more often than it may be retried. */
export class InvocationDiedError extends Error {
  override readonly name = 'InvocationDiedError';

  constructor(state: string, times: number) {
    super(`${times} invocations ended without a result while they ran the step into state "${state}": look for timeouts and exhausted memory in the function's log.`);
  }
}

/** The envelope asks for something that the deployed definition does not have. */
export class UnknownMachineError extends Error {
  override readonly name = 'UnknownMachineError';

  constructor(machine: string, known: readonly string[]) {
    super(`This workflow has no machine "${machine.slice(0, 100)}"; it has ${known.map((name) => `"${name}"`).join(', ')}.`);
  }
}

/**
 * The execution has begun with another definition of its machine than the one that is deployed, and does not go on with this one: the
 * machine's upgrade policy says so, or it cannot.
 */
export class DefinitionChangedError extends Error {
  override readonly name = 'DefinitionChangedError';

  /** @param cause why the current definition cannot take the execution on, if it should */
  constructor(
    { machine, state, definition }: Pick<Envelope, 'machine' | 'state' | 'definition'>,
    current: string,
    policy: UpgradePolicy,
    override readonly cause?: Error,
  ) {
    super(
      `Machine "${machine}": the execution was in state "${state}" of the definition ${definition}, and the current one is ${current}. ` +
        `${cause ? `${cause.message} ` : ''}${MENDS[policy]}`,
    );
  }
}

const MENDS: Readonly<Record<UpgradePolicy, string>> = {
  'move': 'Deploy a definition that has this state and takes this event, and redrive the execution.',
  'finish-on-old': 'Give that definition as one of the previousVersions of the machine, deploy, and redrive the execution; or redrive it with moveToCurrent.',
  'stop': 'The upgrade policy of the machine is to stop here. Redrive the execution with moveToCurrent if it may go on with the current definition.',
};

/** An error as one that was thrown: actions may throw anything. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`Thrown, and not an Error: ${String(thrown)}`);
}

/** A request to start, send or the like is not of the form that it must have. */
export class InvalidRequestError extends Error {
  override readonly name = 'InvalidRequestError';
}

/** No event source took an envelope. What was asked for may be asked again. */
export class NotDispatchedError extends Error {
  override readonly name = 'NotDispatchedError';

  constructor(what: string) {
    super(`${what} was not taken by any event source of the workflow. It is safe to try again.`);
  }
}

/** The execution is over: no event can reach it. */
export class ExecutionEndedError extends Error {
  override readonly name = 'ExecutionEndedError';

  constructor(executionId: string, status: string) {
    super(`Execution "${executionId}" is ${status}; it takes no more events.`);
  }
}

/** More events wait for the execution than may, so that this one was not accepted. */
export class MailboxFullError extends Error {
  override readonly name = 'MailboxFullError';

  constructor(executionId: string, limit: number) {
    super(
      `The event was not accepted, since ${limit} events wait for execution "${executionId}" already. Either it does not get to a state that ` +
      'handles them, or no state of its machine does: see what it waits for with client.describe, and send the event again later.',
    );
  }
}

/** It is no callback token, or none that this workflow has issued. */
export class InvalidTokenError extends Error {
  override readonly name = 'InvalidTokenError';

  constructor() {
    super('This is no callback token of this workflow: it was cut or changed, is of another workflow, or of an execution that is forgotten.');
  }
}

/** Of two lock stores, none can answer for the execution now. */
export class LocksUnavailableError extends Error {
  override readonly name = 'LocksUnavailableError';

  constructor(why: string) {
    super(`The locks are not available: ${why}. Try again later.`);
  }
}

/** There is no execution of that name, or it ended so long ago that it is forgotten. */
export class ExecutionNotFoundError extends Error {
  override readonly name = 'ExecutionNotFoundError';

  constructor(executionId: string) {
    super(`There is no execution "${executionId}", or it ended so long ago that it is forgotten.`);
  }
}

/** The envelope that an execution waits for cannot be read back from the service that has it. */
export class NotResumableError extends Error {
  override readonly name = 'NotResumableError';

  constructor(executionId: string, step: number, places: readonly string[]) {
    const put = places.length > 0 ? `It was put here: ${places.join('; ')}.` : 'No checkpoint says where it was put.';
    super(
      `The envelope after step ${step} of execution "${executionId}" cannot be read back. ${put} ` +
        'A queue or topic shows a message only to whom it delivers it: look into it and its dead-letter queue, from which Amazon SQS can redrive it. ' +
        'A stream has it until its retention ends. An execution that is still at step 0 can be started again under the same executionId.',
    );
  }
}

/** Only a failed execution can be redriven. */
export class NotFailedError extends Error {
  override readonly name = 'NotFailedError';

  constructor(executionId: string, status: string) {
    super(`Execution "${executionId}" is ${status}: only one that has failed can be redriven.`);
  }
}
