import type { ExecutionsContext } from './context';
import { contextHash } from './context-hash';
import { encode } from './sending/sender';
import { assertContext, assertExecutionId, assertMachine } from './validate';
import type { JsonObject } from '../../machine/action';
import { START } from '../../machine/transition';
import { assertFits } from '../envelope/codec';
import { startEnvelope } from '../envelope/create';
import type { Envelope } from '../envelope/envelope';
import { ExecutionAlreadyExistsError } from '../errors';
import type { OutgoingEnvelope } from '../ports';

/** An execution to start. */
export interface StartRequest {
  /** Name of a machine of the workflow. */
  readonly machine: string;
  /**
   * Identifies the execution: 1 to 128 printable ASCII characters without spaces. Starting the same id twice runs one execution, as long as
   * the record of an ended execution is kept (30 days, unless the lock table is configured otherwise).
   *
   * @default - a random UUID
   */
  readonly executionId?: string;
  /**
   * The context of the first action: a plain JSON object.
   *
   * @default - an empty object
   */
  readonly context?: JsonObject;
  /**
   * The outcome if an execution with this id exists with another machine or context: `error` rejects the start, and `accept` returns the
   * existing execution. The order of the properties in the context does not matter.
   *
   * @default 'error'
   */
  readonly ifExists?: 'error' | 'accept';
}

/** An execution whose start was accepted. */
export interface StartedExecution {
  readonly executionId: string;
  /**
   * Whether this call has `started` the execution, or the execution `exists`: another start was first, perhaps an earlier attempt of the same
   * caller.
   */
  readonly outcome: 'started' | 'exists';
}

/** The outcome of one start among many. */
export type StartResult =
  StartedExecution | { readonly executionId: string; readonly outcome: 'failed'; readonly error: Error };

/** Starts one execution. */
export async function start(context: ExecutionsContext, request: StartRequest): Promise<StartedExecution> {
  // One request has one result.
  const result = (await startMany(context, [request]))[0]!;
  if (result.outcome === 'failed') throw result.error;
  return result;
}

/** Starts many executions. A single one continues the trace of the running code; many get a trace each. */
export async function startMany(
  context: ExecutionsContext,
  requests: readonly StartRequest[],
): Promise<readonly StartResult[]> {
  const { ports, sender } = context;
  const trace = requests.length === 1 ? ports.tracer?.current() : undefined;
  // A list may be long, so a call keeps only the result of each start.
  const results = requests.map(({ executionId }): StartedExecution => ({
    executionId: executionId ?? ports.random.id(),
    outcome: 'exists',
  }));
  const errors = await sender.sendAll(requests.length, (index) => {
    const { executionId } = results[index]!;
    const request = { ...requests[index]!, executionId };
    const envelope = encodeStart(context, request, trace);
    return {
      outgoing: envelope,
      what: `the start of execution "${executionId}"`,
      prepare: async () => {
        const { outcome, outgoing } = await record(context, request, envelope);
        results[index] = { executionId, outcome };
        return outgoing;
      },
    };
  });
  return results.map((result, index) => {
    const error = errors[index];
    return error ? { executionId: result.executionId, outcome: 'failed', error } : result;
  });
}

/** Checks a start, and encodes its envelope. */
function encodeStart(
  { ports, sender, machines }: ExecutionsContext,
  { machine, executionId, context = {} }: StartRequest & { readonly executionId: string },
  trace: Envelope['trace'],
): OutgoingEnvelope {
  assertMachine(machine, machines);
  assertExecutionId(executionId);
  assertContext(context, executionId);
  const encoded = encode(
    startEnvelope({ executionId, machine, context, trace, sentAt: ports.clock.now() }, ports.random.id()),
  );
  assertFits(encoded.body, sender.maxEnvelopeBytes, START);
  return encoded;
}

/**
 * Records a start in the lock of the execution, before its envelope is sent. If the execution exists and has not begun, an earlier start may
 * have failed between its record and its send. The envelope is then sent again, as the incarnation of the record: the second one is a
 * duplicate, and one of another incarnation would be dropped.
 *
 * @returns the envelope to send, if the execution may not have one
 * @throws ExecutionAlreadyExistsError if the execution has another machine or context, unless the request accepts it
 */
async function record(
  { ports }: ExecutionsContext,
  { ifExists = 'error' }: StartRequest,
  prepared: OutgoingEnvelope,
): Promise<{ readonly outcome: StartedExecution['outcome']; readonly outgoing?: OutgoingEnvelope }> {
  const { executionId, incarnation, machine, context } = prepared.envelope;
  const hash = contextHash(context);
  const { recorded, lock } = await ports.locks.recordStart({
    executionId,
    incarnation,
    machine,
    contextHash: hash,
    now: ports.clock.now(),
  });
  // Encoded again: this response has told the time, by which the function reads the age of the envelope. The clock of this machine may be wrong.
  const outgoing = encode({ ...prepared.envelope, incarnation: lock.incarnation, sentAt: ports.clock.now() });
  if (recorded) return { outcome: 'started', outgoing };
  const sameMachine = lock.machine === machine;
  const same = sameMachine && lock.contextHash === hash;
  if (!same && ifExists === 'error') {
    throw new ExecutionAlreadyExistsError(executionId, sameMachine ? 'context' : 'machine', lock.machine);
  }
  if (!same || lock.status !== 'pending') return { outcome: 'exists' };
  return { outcome: 'exists', outgoing };
}
