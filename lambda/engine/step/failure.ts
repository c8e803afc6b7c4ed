import type { Failure } from '../../machine';
import { MAX_FAILURE_BYTES } from '../envelope/limits';
import type { Lease } from '../ports';
import { attemptOf } from '../ports/lock-store';
import { describeError } from '../thrown';

/** Describes an error for the journal and for a `catch` transition, in at most {@link MAX_FAILURE_BYTES}. */
export function failureOf(error: Error, state: string, lease: Lease): Failure {
  const failure: Failure = { ...describeError(error), state, attempts: attemptOf(lease) + 1 };
  return shortened(failure);
}

/** Omits the causes of a failure that is too large, and then cuts its message. */
function shortened(failure: Failure): Failure {
  if (bytesOf(failure) <= MAX_FAILURE_BYTES) return failure;
  const { cause, errors: _, ...rest } = failure;
  // The first cause says most.
  const [withCause] = cause ? [{ ...rest, cause: { name: cause.name, message: cause.message.slice(0, 200) } }] : [];
  if (withCause && bytesOf(withCause) <= MAX_FAILURE_BYTES) return withCause;
  const excess = bytesOf(rest) - MAX_FAILURE_BYTES;
  // A UTF-16 code unit takes at least one byte, and an escaped one takes up to six: so this cuts enough.
  return excess <= 0
    ? rest
    : shortened({ ...rest, message: rest.message.slice(0, Math.floor(rest.message.length / 2)) });
}

function bytesOf(failure: Failure): number {
  return Buffer.byteLength(JSON.stringify(failure));
}

/**
 * Returns the class of an error and the location that threw it, without the message, which may contain payload. A stack begins with the
 * message, and lines of the message may look like locations, so only the text after the message counts.
 */
export function locationOf({ name, message, stack = '' }: Error): string {
  const header = message === '' ? /^\w+(?=\n)/.exec(stack)?.[0] : message;
  const begin = header === undefined ? -1 : stack.indexOf(header);
  const trace = header === undefined || begin < 0 ? '' : stack.slice(begin + header.length);
  const frame = trace.split('\n').find((line) => line.trimStart().startsWith('at '));
  return frame ? `${name} ${frame.trim()}` : name;
}
