import { FsmError } from '../machine/fsm-error';
import { quote } from '../machine/quote';
import type { UpgradePolicy } from '../machine/upgrade';

// ---- errors of requests to an execution -----------------------------------------------------------------------------------

/** A request has an invalid argument. The message names the argument, its value and the expected format. */
export class InvalidRequestError extends FsmError {
  public override readonly name = 'InvalidRequestError';
  public override readonly code = 'INVALID_REQUEST';
}

/** The context, or the data of an event, holds a value that JSON cannot represent. */
export class NotJsonError extends FsmError {
  public override readonly name = 'NotJsonError';
  public override readonly code = 'NOT_JSON';

  /**
   * @param path location of the value, for example `context.items[0].price`
   * @param found description of the value, with an article
   * @param fix one sentence
   */
  constructor(
    public readonly path: string,
    found: string,
    fix: string,
  ) {
    super(`${path} is ${found}, which JSON cannot represent. ${fix}`);
  }
}

/** An envelope is larger than the smallest limit of the services that may carry or store it. */
export class EnvelopeTooLargeError extends FsmError {
  public override readonly name = 'EnvelopeTooLargeError';
  public override readonly code = 'ENVELOPE_TOO_LARGE';

  constructor(
    public readonly bytes: number,
    public readonly limit: number,
    state: string,
  ) {
    super(
      `The envelope after state "${state}" has ${bytes} bytes; this workflow carries at most ${limit} ` +
        '(the smallest limit of its brokers and tables). ' +
        'Store large data elsewhere, for example in Amazon S3, and keep its key in the context.',
    );
  }
}

/** No event source accepted an envelope. `cause` is the error of the event source, or an `AggregateError` if several failed. */
export class NotDispatchedError extends FsmError {
  public override readonly name = 'NotDispatchedError';
  public override readonly code = 'NOT_DISPATCHED';

  /**
   * @param what the message, as the subject of the sentence
   * @param failures why each event source did not accept it
   */
  constructor(what: string, failures: readonly { readonly transport: string; readonly error: Error }[] = []) {
    const reasons = failures.map(({ transport, error }) => `${transport}: ${error.message}`);
    const errors = failures.map(({ error }) => error);
    const permanent = errors.length > 0 && errors.every((error) => error instanceof FsmError && !error.retryable);
    super(
      `No event source of the workflow accepted ${what}${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}. ` +
        (permanent ? 'Fix the cause, then repeat the call.' : 'Repeat the call; repetition is safe.'),
      {
        cause: errors.length > 1 ? new AggregateError(errors, 'Every event source failed.') : errors[0],
        retryable: !permanent,
      },
    );
  }
}

/** The execution does not exist, or it ended so long ago that its record has expired. */
export class ExecutionNotFoundError extends FsmError {
  public override readonly name = 'ExecutionNotFoundError';
  public override readonly code = 'EXECUTION_NOT_FOUND';

  constructor(executionId: string) {
    super(
      `Execution "${executionId}" does not exist. Check the id. The record of an execution that ended long ago has expired.`,
    );
  }
}

/** The executionId of a start belongs to an execution with another machine or another context. The start had no effect. */
export class ExecutionAlreadyExistsError extends FsmError {
  public override readonly name = 'ExecutionAlreadyExistsError';
  public override readonly code = 'EXECUTION_ALREADY_EXISTS';

  /**
   * @param differs the members of the start that differ from those of the execution
   * @param machine the machine of the execution
   */
  constructor(
    public readonly executionId: string,
    public readonly differs: 'machine' | 'context',
    machine: string,
  ) {
    super(
      `Execution "${executionId}" already exists, ${differs === 'machine' ? `of machine "${machine}"` : 'with another context'}. ` +
        "Use another executionId, or set ifExists to 'accept' to take the existing execution as it is.",
    );
  }
}

/** The execution has completed or was canceled, and accepts no events. */
export class ExecutionEndedError extends FsmError {
  public override readonly name = 'ExecutionEndedError';
  public override readonly code = 'EXECUTION_ENDED';

  constructor(executionId: string, status: string) {
    super(`Execution "${executionId}" is ${status} and accepts no events.`);
  }
}

/** An event with the same id, but with another name or other data, was accepted before. The event was not accepted. */
export class EventConflictError extends FsmError {
  public override readonly name = 'EventConflictError';
  public override readonly code = 'EVENT_CONFLICT';

  constructor(
    executionId: string,
    { id, event, step }: { readonly id: string; readonly event: string; readonly step?: number },
  ) {
    const used =
      step === undefined
        ? `the id "${id}" was used with another event or other data. Use a new id for each event.`
        : `the callback token of step ${step} was used with the event "${event}" and other data.`;
    super(`Execution "${executionId}" did not accept the event: ${used}`);
  }
}

/** As many events of the same name wait for the execution as may. The event was not accepted. */
export class MailboxFullError extends FsmError {
  public override readonly name = 'MailboxFullError';
  public override readonly code = 'MAILBOX_FULL';

  constructor(executionId: string, event: string) {
    super(
      `The event was not accepted: the events "${event}" that wait for execution "${executionId}" have reached the limit of 2,000 events or 8 MiB. ` +
        'List the waiting events with client.listEvents, drop needless ones with client.dropEvent, and send the event again later.',
      { retryable: true },
    );
  }
}

/** The text is not a callback token, or not one that this workflow has issued. */
export class InvalidTokenError extends FsmError {
  public override readonly name = 'InvalidTokenError';
  public override readonly code = 'INVALID_CALLBACK_TOKEN';

  constructor() {
    super(
      'Invalid callback token: expected a token from run.callbackToken() of this workflow. ' +
        'It is truncated, altered or of another workflow, or the record of its execution has expired.',
    );
  }
}

/**
 * Only a failed execution can be redriven. If the checkpoint table refused the envelope of its step, only the dead letter has it: move that
 * back to its source.
 */
export class NotFailedError extends FsmError {
  public override readonly name = 'NotFailedError';
  public override readonly code = 'NOT_FAILED';

  constructor(executionId: string, status: string, why = 'only a failed execution can be redriven.') {
    super(`Execution "${executionId}" is ${status}: ${why}`);
  }
}

/** The envelope that a stalled execution waits for cannot be read from the service that holds it. */
export class NotResumableError extends FsmError {
  public override readonly name = 'NotResumableError';
  public override readonly code = 'NOT_RESUMABLE';

  constructor(executionId: string, step: number, places: readonly string[]) {
    const sent =
      places.length > 0 ? `It was sent to: ${places.join('; ')}.` : 'No checkpoint records where it was sent.';
    super(
      `The envelope after step ${step} of execution "${executionId}" cannot be read. ${sent} ` +
        'Check the queue that holds it, and its dead-letter queue, which Amazon SQS can redrive. ' +
        'An execution at step 0 can be started again with the same executionId.',
    );
  }
}

/** A parked execution has no checkpoint, so its context is lost. */
export class CheckpointMissingError extends FsmError {
  public override readonly name = 'CheckpointMissingError';
  public override readonly code = 'CHECKPOINT_MISSING';

  constructor(executionId: string, step: number) {
    super(
      `Execution "${executionId}" is parked at step ${step}, but the checkpoint table has no checkpoint of that step. ` +
        'Check that the item was not deleted and that the table was not replaced; restore it from a backup.',
    );
  }
}

/** The lock cache does not respond. Nothing was changed, or the change is safe to repeat. */
export class LocksUnavailableError extends FsmError {
  public override readonly name = 'LocksUnavailableError';
  public override readonly code = 'LOCKS_UNAVAILABLE';

  /** @param why a clause that follows a colon */
  constructor(why: string, cause?: unknown) {
    super(`The lock store is unavailable: ${why}. Try again later.`, { cause, retryable: true });
  }
}

// ---- errors of a step -----------------------------------------------------------------------------------------------------

/** A `do` action returned a value that is not an event of its state. */
export class UnknownEventError extends FsmError {
  public override readonly name = 'UnknownEventError';
  public override readonly code = 'UNKNOWN_EVENT';

  constructor(machine: string, state: string, action: string, returned: unknown, expected: readonly string[]) {
    const value = typeof returned === 'string' ? `the event ${quote(returned)}` : `a value of type ${typeof returned}`;
    super(
      `Machine "${machine}", state "${state}": the action "${action}" returned ${value}. ` +
        `Expected ${alternatives(expected)}, or nothing to wait for an external event.`,
    );
  }
}

/** The machine names an action that the workflow's actions file does not export. */
export class MissingActionError extends FsmError {
  public override readonly name = 'MissingActionError';
  public override readonly code = 'MISSING_ACTION';

  constructor(machine: string, state: string, action: string) {
    super(
      `Machine "${machine}", state "${state}": the action "${action}" does not exist. Add it to the default export of the workflow's actions file.`,
    );
  }
}

/** The actions of a step ran longer than the invocation lasts. */
export class DeadlineError extends FsmError {
  public override readonly name = 'DeadlineError';
  public override readonly code = 'DEADLINE_EXCEEDED';

  constructor(state: string) {
    super(
      `The actions of the step into state "${state}" did not finish before the invocation had to end. Raise the function's timeout, or do less work in one step.`,
      { retryable: true },
    );
  }
}

/** An action ran longer than the time limit of its state. */
export class TimeLimitError extends FsmError {
  public override readonly name = 'TimeLimitError';
  public override readonly code = 'TIME_LIMIT_EXCEEDED';

  constructor(machine: string, state: string, action: string, seconds: number) {
    super(
      `Machine "${machine}", state "${state}": the action "${action}" did not finish within its time limit of ${seconds} s. ` +
        'Raise the timeLimit of the state, or pass run.signal to the requests of the action, so that they end in time.',
      { retryable: true },
    );
  }
}

/** A step took more local transitions than one invocation may take. */
export class LocalTransitionsError extends FsmError {
  public override readonly name = 'LocalTransitionsError';
  public override readonly code = 'TOO_MANY_LOCAL_TRANSITIONS';

  constructor(machine: string, state: string, limit: number) {
    super(
      `Machine "${machine}", state "${state}": the step has taken ${limit} local transitions and has not left them. ` +
        'Check the machine for an endless loop, or make one transition of the loop non-local, so that it becomes a step of its own.',
    );
  }
}

/**
 * Every service that may carry or keep the result of a step refuses its content for good, so that no repetition of the request helps. Another
 * attempt at the step may have another result.
 */
export class ContentRefusedError extends FsmError {
  public override readonly name = 'ContentRefusedError';
  public override readonly code = 'CONTENT_REFUSED';

  /**
   * @param what what the services refuse, as the object of the sentence
   * @param refusals the errors of the services
   */
  constructor(what: string, refusals: readonly Error[]) {
    super(
      `No service of the workflow accepts ${what}, however often it is sent: ${refusals.map(({ message }) => message).join('; ')} ` +
        'Change the data that the actions put into the context, or the limits of the queue or table, and then redrive the execution.',
      { cause: refusals.length > 1 ? new AggregateError(refusals, 'Every service refused the content.') : refusals[0] },
    );
  }
}

/** More invocations died (timeout, out of memory, exit) in this step than its retries allow. */
export class InvocationDiedError extends FsmError {
  public override readonly name = 'InvocationDiedError';
  public override readonly code = 'INVOCATION_DIED';

  constructor(state: string, times: number) {
    super(
      `${times} invocations ended without a result while they ran the step into state "${state}". Check the function's log for timeouts and exhausted memory.`,
    );
  }
}

/** An envelope names a machine that is not deployed. */
export class UnknownMachineError extends FsmError {
  public override readonly name = 'UnknownMachineError';
  public override readonly code = 'UNKNOWN_MACHINE';

  constructor(machine: string, known: readonly string[]) {
    super(`Unknown machine ${quote(machine)}: expected ${alternatives(known)}.`);
  }
}

/** The state of an execution, and the definition that it ran on. */
export interface FormerPosition {
  readonly machine: string;
  /** The state, `null` before the start. */
  readonly state: string | null;
  /** Hash of the definition; absent before the start. */
  readonly definition?: string;
}

/**
 * The execution began with a definition other than the deployed one, and cannot continue: either the upgrade policy of the machine forbids
 * it, or the deployed definition lacks its state or event.
 */
export class DefinitionChangedError extends FsmError {
  public override readonly name = 'DefinitionChangedError';
  public override readonly code = 'DEFINITION_CHANGED';

  /**
   * @param current hash of the deployed definition
   * @param cause why the deployed definition cannot continue the execution, if the policy allows it to
   */
  constructor({ machine, state, definition }: FormerPosition, current: string, policy: UpgradePolicy, cause?: Error) {
    super(
      `Machine "${machine}": the execution is in state "${state}" of definition ${definition}, but definition ${current} is deployed. ` +
        `${cause ? `${cause.message} ` : ''}${FIXES[policy]}`,
      { cause },
    );
  }
}

const FIXES: Readonly<Record<UpgradePolicy, string>> = {
  move: 'Deploy a definition that has this state and handles this event, then redrive the execution.',
  'finish-on-old':
    'Add the earlier definition to the previousVersions of the machine, deploy, and redrive the execution; or redrive it with moveToCurrent.',
  stop: "The machine's upgrade policy stops such executions. To continue with the deployed definition, redrive the execution with moveToCurrent.",
};

/** Lists names: `"a" or "b"`. */
export function alternatives(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(' or ');
}
